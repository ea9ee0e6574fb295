package nacre.tensor.cuda.dnn;

import java.lang.foreign.MemorySegment;
import java.util.List;
import nacre.bindings.cudnn.Cudnn;
import nacre.tensor.cuda.driver.CudaException;

/**
 * A graph that cuDNN made ready for a card.
 *
 * @param operands how many addresses it takes, in the order in which the graph named them
 * @param workspace bytes that it needs besides
 */
record Plan(Descriptor descriptor, int operands, long workspace) {

  /** Puts the plan on the stream of the handle. */
  void run(MemorySegment cudnn, long workspaceAddress, MemorySegment... addresses) {
    if (addresses.length != operands) {
      throw new IllegalArgumentException(
          "cuDNN: a plan of %d operands was given %d".formatted(operands, addresses.length));
    }
    try (Descriptor pack =
        Descriptor.create("variant pack", Cudnn.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR())) {
      long[] ids = new long[operands];
      for (int i = 0; i < operands; i++) {
        ids[i] = i + 1;
      }
      pack.longs(Cudnn.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS(), ids)
          .pointers(
              Cudnn.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS(),
              Cudnn.CUDNN_TYPE_VOID_PTR(),
              List.of(addresses))
          .pointers(
              Cudnn.CUDNN_ATTR_VARIANT_PACK_WORKSPACE(),
              Cudnn.CUDNN_TYPE_VOID_PTR(),
              List.of(MemorySegment.ofAddress(workspaceAddress)))
          .finish();
      DnnException.require(
          Cudnn.cudnnBackendExecute(cudnn, descriptor.handle(), pack.handle()),
          "cudnnBackendExecute");
    } catch (DnnException e) {
      throw new CudaException("cuDNN: " + e.getMessage());
    }
  }
}
