package nacre.lab.calls;

import static jcuda.driver.CUevent_flags.CU_EVENT_DISABLE_TIMING;
import static jcuda.driver.CUstream_flags.CU_STREAM_NON_BLOCKING;

import java.util.concurrent.TimeUnit;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
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

/** The same calls as in {@link Ffm}, on the same GPU, through JCuda's JNI. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(2)
public class Jcuda {
  private static final int CALLS = Ffm.CALLS;
  private static final long BYTES = 1 << 20;

  private final CUcontext context = new CUcontext();
  private final CUcontext current = new CUcontext();
  private final CUstream stream = new CUstream();
  private final CUevent event = new CUevent();
  private final CUfunction function = new CUfunction();
  private final CUdeviceptr memory = new CUdeviceptr();

  /** Opens the GPU. */
  @Setup
  public void open() {
    Gpu.check(JCudaDriver.cuInit(0), "cuInit");
    CUdevice device = new CUdevice();
    Gpu.check(JCudaDriver.cuDeviceGet(device, 0), "cuDeviceGet");
    Gpu.check(JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain");
    Gpu.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    Gpu.check(JCudaDriver.cuStreamCreate(stream, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
    Gpu.check(JCudaDriver.cuEventCreate(event, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
    CUmodule module = new CUmodule();
    Gpu.check(JCudaDriver.cuModuleLoadData(module, Gpu.code()), "cuModuleLoadData");
    Gpu.check(JCudaDriver.cuModuleGetFunction(function, module, Gpu.KERNEL), "cuModuleGetFunction");
  }

  /** Waits until the GPU has done its work. */
  @Setup(Level.Invocation)
  public void finish() {
    Gpu.check(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize");
  }

  /** Queries the thread's context. */
  @Benchmark
  @OperationsPerInvocation(Ffm.CALLS)
  public void cuCtxGetCurrent() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(JCudaDriver.cuCtxGetCurrent(current), "cuCtxGetCurrent");
    }
  }

  /** Makes the context current on the thread, as it is already. */
  @Benchmark
  @OperationsPerInvocation(Ffm.CALLS)
  public void cuCtxSetCurrent() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    }
  }

  /** Takes 1 MiB from the stream's pool and gives it back: two calls. */
  @Benchmark
  @OperationsPerInvocation(Ffm.CALLS)
  public void cuMemAllocAsyncAndFree() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(JCudaDriver.cuMemAllocAsync(memory, BYTES, stream), "cuMemAllocAsync");
      Gpu.check(JCudaDriver.cuMemFreeAsync(memory, stream), "cuMemFreeAsync");
    }
  }

  /** Launches a kernel that does nothing. */
  @Benchmark
  @OperationsPerInvocation(Ffm.CALLS)
  public void cuLaunchKernel() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(
          JCudaDriver.cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, stream, null, null),
          "cuLaunchKernel");
    }
  }

  /** Records an event in the stream. */
  @Benchmark
  @OperationsPerInvocation(Ffm.CALLS)
  public void cuEventRecord() {
    for (int i = 0; i < CALLS; i++) {
      Gpu.check(JCudaDriver.cuEventRecord(event, stream), "cuEventRecord");
    }
  }
}
