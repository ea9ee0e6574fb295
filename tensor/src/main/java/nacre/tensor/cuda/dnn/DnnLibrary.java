package nacre.tensor.cuda.dnn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Unary;
import nacre.tensor.backend.Window;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;

/**
 * Convolutions and attention by cuDNN on one card. A plan is made once for a signature and kept; so
 * is the verdict that there is none, with the library's reason. Each method answers false, having
 * written nothing, where cuDNN has no engine.
 */
public final class DnnLibrary {
  private final CudaDevice device;
  private final CudaAllocator allocator;
  private final Graph.Freedom freedom;
  private final BiConsumer<String, String> refusals;
  private final Map<GraphShape, Verdict> verdicts = new HashMap<>();
  private Target.Handle target;

  private sealed interface Verdict {
    record Planned(Plan plan) implements Verdict {}

    record Refused() implements Verdict {}
  }

  /**
   * @param tf32 whether f32 operands may be rounded to 10 bits of fraction
   * @param refusals takes what cuDNN refused, and why, once for each signature
   */
  public DnnLibrary(
      CudaDevice device,
      CudaAllocator allocator,
      boolean tf32,
      BiConsumer<String, String> refusals) {
    this.device = device;
    this.allocator = allocator;
    this.freedom = new Graph.Freedom(tf32);
    this.refusals = refusals;
  }

  /**
   * y = f(x ∗ w + bias + residual).
   *
   * @param bias nullable, as are residual and f
   */
  public boolean convolution(
      Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    if (!Graph.knows(f)) {
      return false;
    }
    GraphShape shape =
        new GraphShape.Convolution(
            x.dtype(), x.shape(), w.shape(), y.shape(), window, bias != null, residual != null, f);
    return run(shape, x, w, bias, residual, y);
  }

  public boolean convolutionInputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    return run(
        new GraphShape.ConvolutionGradient(
            Graph.Direction.INPUT_GRADIENT, dy.dtype(), dx.shape(), w.shape(), dy.shape(), window),
        dx,
        w,
        dy);
  }

  public boolean convolutionWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw) {
    return run(
        new GraphShape.ConvolutionGradient(
            Graph.Direction.WEIGHT_GRADIENT, dy.dtype(), x.shape(), dw.shape(), dy.shape(), window),
        x,
        dw,
        dy);
  }

  /**
   * y = softmax(scale · q kᵀ) v, all [N, T, H, D].
   *
   * @param state f32 [N, H, T], nullable
   */
  public boolean attention(Tensor q, Tensor k, Tensor v, double scale, Tensor y, Tensor state) {
    GraphShape shape = new GraphShape.Attention(q.dtype(), q.shape(), k.shape(), state != null);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment factor = arena.allocateFrom(ValueLayout.JAVA_FLOAT, (float) scale);
      return run(shape, operands(new Tensor[] {q, k, v}, factor, new Tensor[] {y, state}));
    }
  }

  /** The gradients of {@link #attention}. */
  public boolean attentionBackward(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor y,
      Tensor dy,
      Tensor state,
      double scale,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    GraphShape shape = new GraphShape.AttentionGradient(q.dtype(), q.shape(), k.shape());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment factor = arena.allocateFrom(ValueLayout.JAVA_FLOAT, (float) scale);
      return run(
          shape, operands(new Tensor[] {q, k, v}, factor, new Tensor[] {y, dy, state, dq, dk, dv}));
    }
  }

  private boolean run(GraphShape shape, Tensor... tensors) {
    return run(shape, operands(tensors, null, new Tensor[0]));
  }

  /** Addresses in the graph's order; what is null is no operand of it. */
  private static MemorySegment[] operands(Tensor[] before, MemorySegment scalar, Tensor[] after) {
    List<MemorySegment> all = new ArrayList<>();
    for (Tensor tensor : before) {
      if (tensor != null) {
        all.add(MemorySegment.ofAddress(tensor.address()));
      }
    }
    if (scalar != null) {
      all.add(scalar);
    }
    for (Tensor tensor : after) {
      if (tensor != null) {
        all.add(MemorySegment.ofAddress(tensor.address()));
      }
    }
    return all.toArray(MemorySegment[]::new);
  }

  private boolean run(GraphShape shape, MemorySegment[] operands) {
    device.enter();
    try {
      return switch (verdicts.computeIfAbsent(shape, this::plan)) {
        case Verdict.Refused _ -> false;
        case Verdict.Planned(Plan plan) -> {
          long bytes = plan.workspace();
          long workspace = bytes == 0 ? 0 : allocator.allocate(bytes);
          try {
            plan.run(target.cudnn(), workspace, operands);
          } finally {
            if (bytes != 0) {
              allocator.free(workspace, bytes);
            }
          }
          yield true;
        }
      };
    } finally {
      device.leave();
    }
  }

  private Verdict plan(GraphShape shape) {
    if (target == null) {
      target = Target.Handle.open(device.stream());
    }
    try {
      return new Verdict.Planned(shape.plan(target, freedom));
    } catch (DnnException e) {
      refusals.accept(shape.toString(), e.getMessage());
      return new Verdict.Refused();
    }
  }
}
