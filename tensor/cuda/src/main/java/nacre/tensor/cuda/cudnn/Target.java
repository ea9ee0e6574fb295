package nacre.tensor.cuda.cudnn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.cudnn.Cudnn;

/**
 * What plans are made for: the GPU of a handle, or a GPU that is only described, for which plans
 * can be made where there is none.
 */
sealed interface Target {

  /** The library on a GPU's stream. */
  record Handle(MemorySegment cudnn) implements Target {
    static Handle open(MemorySegment stream) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
        CudnnException.require(Cudnn.cudnnCreate(out), "cudnnCreate");
        MemorySegment cudnn = out.get(ValueLayout.ADDRESS, 0);
        CudnnException.require(Cudnn.cudnnSetStream(cudnn, stream), "cudnnSetStream");
        return new Handle(cudnn);
      }
    }
  }

  /** A GPU's properties. */
  record Described(Descriptor properties) implements Target {

    /**
     * @param json as cuDNN writes the properties of a GPU that is there
     */
    static Described of(String json) throws CudnnException {
      return new Described(
          Descriptor.create("device properties", Cudnn.CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR())
              .text(Cudnn.CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION(), json)
              .finish());
    }
  }
}
