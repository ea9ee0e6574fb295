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
 * Calls of the driver through Nacre's bindings, as the CUDA backend makes them. What a call gives
 * the card to do is done before the next {@value #CALLS} are timed: the card's queue holds more
 * than that, so a call never waits for the card.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(2)
public class Ffm {
  /** Calls that are timed together. */
  static final int CALLS = 200;

  private static final long BYTES = 1 << 20;

  private final MemorySegment out = Arena.global().allocate(ValueLayout.ADDRESS);
  private Gpu card;

  /** Opens the card. */
  @Setup
  public void open() {
    card = new Gpu();
  }

  /** Has the card do what is still to be done. */
  @Setup(Level.Invocation)
  public void finish() {
    card.synchronize();
  }

  /** Asks for the thread's context. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuCtxGetCurrent() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(Cuda.cuCtxGetCurrent(out), "cuCtxGetCurrent");
    }
  }

  /** Makes the context the thread's, which it is already: before each call of the backend. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuCtxSetCurrent() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(Cuda.cuCtxSetCurrent(card.context), "cuCtxSetCurrent");
    }
  }

  /** Takes 1 MiB from the stream's pool and gives it back: two calls. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuMemAllocAsyncAndFree() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(Cuda.cuMemAllocAsync(out, BYTES, card.stream), "cuMemAllocAsync");
      long address = out.get(ValueLayout.JAVA_LONG, 0);
      Gpu.check(Cuda.cuMemFreeAsync(address, card.stream), "cuMemFreeAsync");
    }
  }

  /** Launches a kernel that does nothing. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuLaunchKernel() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(
          Cuda.cuLaunchKernel(
              card.function,
              1,
              1,
              1,
              32,
              1,
              1,
              0,
              card.stream,
              MemorySegment.NULL,
              MemorySegment.NULL),
          "cuLaunchKernel");
    }
  }

  /** Marks a place in the stream. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void cuEventRecord() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(Cuda.cuEventRecord(card.event, card.stream), "cuEventRecord");
    }
  }
}
