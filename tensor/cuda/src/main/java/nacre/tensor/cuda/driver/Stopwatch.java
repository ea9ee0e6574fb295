package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.cuda.Cuda;

/** How long a GPU is busy with something. */
public final class Stopwatch {
  private static final int TIMES = 5;

  private Stopwatch() {}

  /** What is timed. */
  public interface Work<E extends Exception> {
    void run() throws E;
  }

  /**
   * Milliseconds that the GPU takes for work that may be repeated; the first time does not count.
   * To be called between {@link CudaDevice#enter} and {@link CudaDevice#leave}.
   */
  public static <E extends Exception> double time(CudaDevice device, Work<E> work) throws E {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      MemorySegment start = event(out);
      MemorySegment end = event(out);
      try {
        work.run();
        check(Cuda.cuEventRecord(start, device.stream()), "cuEventRecord");
        for (int i = 0; i < TIMES; i++) {
          work.run();
        }
        check(Cuda.cuEventRecord(end, device.stream()), "cuEventRecord");
        check(Cuda.cuEventSynchronize(end), "cuEventSynchronize");
        check(Cuda.cuEventElapsedTime_v2(out, start, end), "cuEventElapsedTime");
        return out.get(ValueLayout.JAVA_FLOAT, 0) / TIMES;
      } finally {
        Cuda.cuEventDestroy_v2(start);
        Cuda.cuEventDestroy_v2(end);
      }
    }
  }

  private static MemorySegment event(MemorySegment out) {
    check(Cuda.cuEventCreate(out, 0), "cuEventCreate");
    return out.get(ValueLayout.ADDRESS, 0);
  }
}
