package nacre.tensor;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;
import nacre.tensor.backend.Backend;
import nacre.tensor.cpu.CpuBackend;
import nacre.tensor.cuda.CudaBackend;
import nacre.tensor.reference.ReferenceBackend;

/** Where tensors lie and operations run. */
public final class Device {
  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,3}))?");
  private static final Map<Integer, Device> CARDS = new ConcurrentHashMap<>();

  private final String name;
  private final Backend backend;

  Device(String name, Backend backend) {
    this.name = name;
    this.backend = backend;
  }

  private static final class Cpu {
    static final Device DEVICE = new Device("cpu", CpuBackend.create());
  }

  private static final class Reference {
    static final Device DEVICE = new Device("reference", new ReferenceBackend());
  }

  /** The processor: oneDNN and vectorised Java loops, or plain Java where oneDNN does not load. */
  public static Device cpu() {
    return Cpu.DEVICE;
  }

  /** The processor again, with plain, slow Java for every operation: the oracle of the tests. */
  public static Device reference() {
    return Reference.DEVICE;
  }

  /**
   * An NVIDIA card, counted from 0.
   *
   * @throws IllegalStateException in one sentence that says what is missing if it cannot be used
   */
  public static Device cuda(int ordinal) {
    return CARDS.computeIfAbsent(
        ordinal,
        i -> {
          CudaBackend backend = CudaBackend.create(i);
          return new Device(backend.name(), backend);
        });
  }

  /** NVIDIA's libraries that a card needs, as they are found or missed here. */
  public static List<Requirement> cudaRequirements() {
    return Arrays.stream(CudaLibrary.values())
        .map(CudaLibraries::find)
        .map(
            found ->
                switch (found) {
                  case NativeLibrary.Loaded(String name, String version, Path file) ->
                      new Requirement(name, true, version + ", " + file);
                  case NativeLibrary.Unavailable(String name, String reason) ->
                      new Requirement(name, false, reason.substring(name.length() + 2));
                })
        .toList();
  }

  /** How many cards the driver finds; all that {@link #cudaRequirements} lists must be there. */
  public static int cudaCount() {
    return CudaBackend.count();
  }

  /** The first card if there is one and all that it needs, or else the processor. */
  private static Device best() {
    boolean card = CudaLibraries.missing().isEmpty() && CudaBackend.count() > 0;
    return card && CudaLibraries.simulator().isEmpty() ? cuda(0) : cpu();
  }

  /**
   * The device of a name as the command line takes it: {@code auto}, {@code cpu}, {@code cuda},
   * {@code cuda:1} and so on, or {@code reference}. A card that was named is never replaced by the
   * processor.
   *
   * @throws IllegalArgumentException if there is no such device
   * @throws IllegalStateException if it cannot be used here
   */
  public static Device of(String name) {
    Matcher cuda = CUDA.matcher(name);
    if (cuda.matches()) {
      return cuda(cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1)));
    }
    return switch (name) {
      case "auto" -> best();
      case "cpu" -> cpu();
      case "reference" -> reference();
      default ->
          throw new IllegalArgumentException(
              "device: no device '" + name + "'; known are auto, cpu, cuda, cuda:1, reference");
    };
  }

  /** The backend that computes here. */
  public Backend backend() {
    return backend;
  }

  /** Whether the device's memory is the host's. */
  public boolean isHost() {
    return !(backend instanceof CudaBackend);
  }

  @Override
  public String toString() {
    return name;
  }
}
