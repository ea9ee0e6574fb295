package nacre.tensor.cuda.nccl;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.cuda.Cuda;
import nacre.tensor.cuda.driver.CudaDevice;

/**
 * A second stream of a GPU, whose work goes on beside that of the first. While the first is
 * captured it is drawn into the same graph. For who has entered the device.
 */
final class SideStream {
  private final CudaDevice device;
  private final MemorySegment stream;
  private final MemorySegment forked;
  private final MemorySegment done;
  private boolean ahead;

  SideStream(CudaDevice device) {
    this.device = device;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      check(Cuda.cuStreamCreate(out, Cuda.CU_STREAM_NON_BLOCKING()), "cuStreamCreate");
      stream = out.get(ValueLayout.ADDRESS, 0);
      check(Cuda.cuEventCreate(out, Cuda.CU_EVENT_DISABLE_TIMING()), "cuEventCreate");
      forked = out.get(ValueLayout.ADDRESS, 0);
      check(Cuda.cuEventCreate(out, Cuda.CU_EVENT_DISABLE_TIMING()), "cuEventCreate");
      done = out.get(ValueLayout.ADDRESS, 0);
    }
  }

  /** The stream, behind all that the GPU's own was given so far. */
  MemorySegment fork() {
    check(Cuda.cuEventRecord(forked, device.stream()), "cuEventRecord");
    check(Cuda.cuStreamWaitEvent(stream, forked, 0), "cuStreamWaitEvent");
    ahead = true;
    return stream;
  }

  /** What the GPU's own stream is given from here on comes behind all that this one was given. */
  void join() {
    if (ahead) {
      check(Cuda.cuEventRecord(done, stream), "cuEventRecord");
      check(Cuda.cuStreamWaitEvent(device.stream(), done, 0), "cuStreamWaitEvent");
      ahead = false;
    }
  }

  void close() {
    Cuda.cuStreamDestroy_v2(stream);
    Cuda.cuEventDestroy_v2(forked);
    Cuda.cuEventDestroy_v2(done);
  }
}
