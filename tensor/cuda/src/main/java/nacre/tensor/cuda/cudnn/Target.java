package nacre.tensor.cuda.cudnn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.cudnn.Cudnn;
import nacre.tensor.cuda.driver.PlanCache;

/**
 * What plans are made for: the GPU of a handle, or a GPU that is only described, for which plans
 * can be made where there is none; and where they are kept.
 */
sealed interface Target {
  /** Where plans for it are kept. */
  PlanCache cache();

  /** Says to a plan what it is for. */
  Descriptor tell(Descriptor plan) throws CudnnException;

  /** The library on a GPU's stream. */
  record Handle(MemorySegment cudnn, PlanCache cache) implements Target {
    static Handle open(MemorySegment stream, PlanCache cache) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
        CudnnException.require(Cudnn.cudnnCreate(out), "cudnnCreate");
        MemorySegment cudnn = out.get(ValueLayout.ADDRESS, 0);
        CudnnException.require(Cudnn.cudnnSetStream(cudnn, stream), "cudnnSetStream");
        return new Handle(cudnn, cache);
      }
    }

    @Override
    public Descriptor tell(Descriptor plan) throws CudnnException {
      return plan.library(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_HANDLE(), cudnn);
    }
  }

  /** A GPU's properties. */
  record Described(Descriptor properties, PlanCache cache) implements Target {

    /**
     * @param json as cuDNN writes the properties of a GPU that is there
     */
    static Described of(String json, PlanCache cache) throws CudnnException {
      return new Described(
          Descriptor.create("device properties", Cudnn.CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR())
              .text(Cudnn.CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION(), json)
              .finish(),
          cache);
    }

    @Override
    public Descriptor tell(Descriptor plan) throws CudnnException {
      return plan.nodes(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP(), properties);
    }
  }
}
