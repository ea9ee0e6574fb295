package nacre.tensor;

import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import nacre.tensor.reference.ReferenceBackend;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;

/** The devices that tests run on: all whose backend is on the path and that can be used here. */
public final class TestDevices {
  private TestDevices() {}

  /** A device of its own over a backend. */
  public static Device over(String name, Backend backend) {
    return new Device(name, backend);
  }

  /** The plain backend with another allocator. */
  static Backend with(Allocator allocator) {
    Backend plain = new ReferenceBackend();
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (_, method, arguments) ->
                method.getName().equals("allocator") ? allocator : method.invoke(plain, arguments));
  }

  /** Every device, the oracle first. */
  public static List<Device> all() {
    return Stream.concat(Stream.of(Device.reference()), backends().stream()).toList();
  }

  /** Every device but the oracle, or the oracle where its own module is tested. */
  public static List<Device> underTest() {
    return backends().isEmpty() ? List.of(Device.reference()) : backends();
  }

  /** Every device but the oracle, one of a kind. */
  public static List<Device> backends() {
    return Device.kinds().stream()
        .filter(kind -> !kind.kind().equals("reference"))
        .flatMap(kind -> first(kind).stream())
        .toList();
  }

  /**
   * A GPU, if there is one, or the simulated one, if it is named: the build does so where {@code
   * native/sim/build native/target/sim} was run.
   *
   * @throws IllegalStateException if there is none, and {@code -Dnacre.test.gpu=required} says that
   *     there is one: without it tests of a GPU would pass that did not run
   */
  public static Optional<Device> gpu() {
    return Device.kinds().stream()
        .filter(kind -> kind.kind().equals("cuda"))
        .flatMap(kind -> first(kind).stream())
        .findFirst();
  }

  private static Optional<Device> first(BackendProvider kind) {
    boolean required =
        kind.kind().equals("cuda") && "required".equals(System.getProperty("nacre.test.gpu"));
    return required || kind.count(Settings.ofProcess()) > 0
        ? Optional.of(Device.of(kind.kind()))
        : Optional.empty();
  }
}
