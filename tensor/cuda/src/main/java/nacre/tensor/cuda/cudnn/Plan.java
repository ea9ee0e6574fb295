package nacre.tensor.cuda.cudnn;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import nacre.bindings.cudnn.Cudnn;

/**
 * A graph that cuDNN made ready for a GPU.
 *
 * @param choice the plan in cuDNN's own form, its engine, and the bytes that this needs besides
 * @param operands how many addresses it takes, in the order in which the graph named them
 * @param scratch bytes of each tensor that only the plan itself looks at
 * @param place where it is kept on disk, or can be
 * @param wasKept whether it came from there
 */
record Plan(
    Engines.Choice choice, int operands, List<Long> scratch, KeptPlan place, boolean wasKept) {
  /** Below the identifier of the first scratch tensor. Operands are counted from one. */
  static final int FIRST_SCRATCH = 500;

  private static final long ALIGNMENT = 256;

  /** Bytes that it needs besides its operands. */
  long workspace() {
    long bytes = choice.workspace();
    for (long each : scratch) {
      bytes = aligned(bytes) + each;
    }
    return bytes;
  }

  /** Keeps it on disk, if it is not there: for plans that ran. */
  void keep() {
    if (!wasKept) {
      place.keep(choice);
    }
  }

  void close() {
    choice.plan().close();
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /**
   * Puts the plan on the stream of the handle.
   *
   * @throws CudnnException if cuDNN does not run it, though it made it
   */
  void run(MemorySegment cudnn, long workspaceAddress, MemorySegment... addresses)
      throws CudnnException {
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
      long used = choice.workspace();
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
      CudnnException.next(
          Cudnn.cudnnBackendExecute(cudnn, choice.plan().handle(), pack.handle()),
          "cudnnBackendExecute");
    }
  }
}
