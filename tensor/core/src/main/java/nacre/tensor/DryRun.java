package nacre.tensor;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Optional;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Readback;
import nacre.tensor.spi.StepGraph;

/**
 * A device that counts memory instead of computing: tensors on it have shapes and no elements, and
 * its {@link Allocator#peakBytes} is what the same work needs on the device that it stands for. A
 * model of any size is gone through in a moment, forwards and backwards. What a backend borrows
 * while it computes is not counted.
 */
public final class DryRun {
  private DryRun() {}

  /** A device that stands for another, with a count of its own. What is read from it is zero. */
  public static Device of(Device device) {
    Allocator counter = new Counter();
    Backend real = device.backend();
    Backend backend =
        (Backend)
            Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (_, method, arguments) ->
                    switch (method.getName()) {
                      case "allocator" -> counter;
                      case "stepGraph" -> (StepGraph) ((Runnable) arguments[0])::run;
                      case "readLater" -> zeros((Tensor) arguments[0]);
                      default ->
                          method.getReturnType() == void.class
                              ? null
                              : ask(real, method, arguments);
                    });
    Optional<Device> home = Optional.of(device.home()).filter(d -> d != device).map(DryRun::of);
    return new Device("dry " + device, backend, home);
  }

  private static Readback zeros(Tensor source) {
    return new Readback() {
      @Override
      public boolean isDone() {
        return true;
      }

      @Override
      public float[] floats() {
        return new float[Math.toIntExact(source.elements())];
      }
    };
  }

  private static Object ask(Backend real, java.lang.reflect.Method method, Object[] arguments)
      throws Throwable {
    try {
      return method.invoke(real, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /** Gives addresses of which none is ever written. */
  private static final class Counter implements Allocator {
    private long next = 1L << 20;
    private long used;
    private long peak;

    @Override
    public synchronized long allocate(long bytes) {
      long address = next;
      next += Math.max(64, (bytes + 63) & -64L);
      used += bytes;
      peak = Math.max(peak, used);
      return address;
    }

    @Override
    public synchronized void free(long address, long bytes) {
      used -= bytes;
    }

    @Override
    public boolean isHostMemory() {
      return false;
    }

    @Override
    public void trim() {}

    @Override
    public synchronized long peakBytes() {
      return peak;
    }

    @Override
    public synchronized void resetPeak() {
      peak = used;
    }
  }
}
