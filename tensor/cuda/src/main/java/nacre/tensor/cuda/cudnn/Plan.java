package nacre.tensor.cuda.cudnn;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import nacre.bindings.cudnn.Cudnn;
import nacre.tensor.cuda.driver.CudaException;

/**
 * A graph that cuDNN made ready for a GPU.
 *
 * @param operands how many addresses it takes, in the order in which the graph named them
 * @param engineWorkspace bytes that the engine needs besides
 * @param scratch bytes of each tensor that only the plan itself looks at
 */
record Plan(Descriptor descriptor, int operands, long engineWorkspace, List<Long> scratch) {
  /** Below the identifier of the first scratch tensor. Operands are counted from one. */
  static final int FIRST_SCRATCH = 500;

  private static final long ALIGNMENT = 256;

  /** Bytes that it needs besides its operands. */
  long workspace() {
    long bytes = engineWorkspace;
    for (long each : scratch) {
      bytes = aligned(bytes) + each;
    }
    return bytes;
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** Puts the plan on the stream of the handle. */
  void run(MemorySegment cudnn, long workspaceAddress, MemorySegment... addresses) {
    if (addresses.length != operands) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "cuDNN: a plan of %d operands was given %d",
              operands,
              addresses.length));
    }
    try (Descriptor pack =
        Descriptor.create("variant pack", Cudnn.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR())) {
      long[] ids = new long[operands + scratch.size()];
      MemorySegment[] pointers = Arrays.copyOf(addresses, ids.length);
      for (int i = 0; i < operands; i++) {
        ids[i] = i + 1;
      }
      long used = engineWorkspace;
      for (int i = 0; i < scratch.size(); i++) {
        ids[operands + i] = FIRST_SCRATCH + 1 + i;
        pointers[operands + i] = MemorySegment.ofAddress(workspaceAddress + aligned(used));
        used = aligned(used) + scratch.get(i);
      }
      pack.longs(Cudnn.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS(), ids)
          .pointers(
              Cudnn.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS(),
              Cudnn.CUDNN_TYPE_VOID_PTR(),
              List.of(pointers))
          .pointers(
              Cudnn.CUDNN_ATTR_VARIANT_PACK_WORKSPACE(),
              Cudnn.CUDNN_TYPE_VOID_PTR(),
              List.of(MemorySegment.ofAddress(workspaceAddress)))
          .finish();
      CudnnException.require(
          Cudnn.cudnnBackendExecute(cudnn, descriptor.handle(), pack.handle()),
          "cudnnBackendExecute");
    } catch (CudnnException e) {
      throw new CudaException("cuDNN: " + e.getMessage());
    }
  }
}
