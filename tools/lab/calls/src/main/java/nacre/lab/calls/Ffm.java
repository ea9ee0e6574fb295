package nacre.lab.calls;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import nacre.bindings.cuda.Cuda;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Calls of the driver through Nacre's bindings, as the CUDA backend makes them. Work that calls
 * submit to the GPU is completed before the next {@value #CALLS} are timed: the GPU's queue holds
 * more than that, so a call never waits for the GPU.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(2)
public class Ffm {
  /** Number of calls that are timed together. */
  static final int CALLS = 200;

  private static final long BYTES = 1 << 20;

  private final MemorySegment out = Arena.global().allocate(ValueLayout.ADDRESS);
  private Gpu gpu;

  /** Opens the GPU. */
  @Setup
  public void open() {
    gpu = new Gpu();
  }

  /** Waits until the GPU has done its work. */
  @Setup(Level.Invocation)
  public void finish() {
    gpu.synchronize();
  }

  /** Queries the thread's context. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuCtxGetCurrent() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(Cuda.cuCtxGetCurrent(out), "cuCtxGetCurrent");
    }
  }

  /**
   * Makes the context current on the thread, as it is already: the backend does so before each
   * call.
   */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuCtxSetCurrent() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(Cuda.cuCtxSetCurrent(gpu.context), "cuCtxSetCurrent");
    }
  }

  /** Takes 1 MiB from the stream's pool and gives it back: two calls. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuMemAllocAsyncAndFree() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(Cuda.cuMemAllocAsync(out, BYTES, gpu.stream), "cuMemAllocAsync");
      long address = out.get(ValueLayout.JAVA_LONG, 0);
      Gpu.check(Cuda.cuMemFreeAsync(address, gpu.stream), "cuMemFreeAsync");
    }
  }

  /** Launches a kernel that does nothing. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuLaunchKernel() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(
          Cuda.cuLaunchKernel(
              gpu.function,
              1,
              1,
              1,
              32,
              1,
              1,
              0,
              gpu.stream,
              MemorySegment.NULL,
              MemorySegment.NULL),
          "cuLaunchKernel");
    }
  }

  /** Records an event in the stream. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuEventRecord() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(Cuda.cuEventRecord(gpu.event, gpu.stream), "cuEventRecord");
    }
  }
}
