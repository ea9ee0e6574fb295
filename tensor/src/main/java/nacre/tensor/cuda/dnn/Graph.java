package nacre.tensor.cuda.dnn;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import nacre.bindings.cudnn.Cudnn;
import nacre.tensor.DType;
import nacre.tensor.backend.Unary;
import nacre.tensor.backend.Window;

/**
 * A few operations that cuDNN is to run as one. Tensors and operations are added, then {@link
 * #build} asks for a plan. Everything computes in f32, whatever it is stored as.
 */
final class Graph implements AutoCloseable {
  /** Node of a graph that holds numbers. Its place in the list of operands is its identifier. */
  record Edge(Descriptor descriptor, int type, long[] dims, long[] strides) {}

  /** What engines may do to be faster. */
  record Freedom(boolean tensorCoresForF32) {}

  private static final int ALIGNMENT = 16;
  private static final int MOST_ENGINES = 16;

  private final List<Descriptor> owned = new ArrayList<>();
  private final List<Descriptor> operations = new ArrayList<>();
  private int edges;
  private int virtuals;

  // ---- tensors

  /** The next operand of the plan, which is given its address when it runs. */
  Edge operand(DType dtype, long[] dims, long[] strides) throws DnnException {
    return edge(++edges, type(dtype), dims, strides, false, false);
  }

  /** An operand that is one f32 in the host's memory, read when the plan runs. */
  Edge scalar(int rank) throws DnnException {
    long[] ones = new long[rank];
    Arrays.fill(ones, 1);
    return edge(++edges, Cudnn.CUDNN_DATA_FLOAT(), ones, ones, false, true);
  }

  /** What one operation hands to the next, never stored; as {@code like}, in f32. */
  Edge between(Edge like) throws DnnException {
    return edge(1000 + ++virtuals, Cudnn.CUDNN_DATA_FLOAT(), like.dims, like.strides, true, false);
  }

  private Edge edge(
      long id, int type, long[] dims, long[] strides, boolean virtual, boolean byValue)
      throws DnnException {
    Descriptor d = own(Descriptor.create("tensor", Cudnn.CUDNN_BACKEND_TENSOR_DESCRIPTOR()));
    d.longs(Cudnn.CUDNN_ATTR_TENSOR_UNIQUE_ID(), id)
        .code(Cudnn.CUDNN_ATTR_TENSOR_DATA_TYPE(), Cudnn.CUDNN_TYPE_DATA_TYPE(), type)
        .longs(Cudnn.CUDNN_ATTR_TENSOR_DIMENSIONS(), dims)
        .longs(Cudnn.CUDNN_ATTR_TENSOR_STRIDES(), strides)
        .longs(Cudnn.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT(), ALIGNMENT);
    if (virtual) {
      d.flag(Cudnn.CUDNN_ATTR_TENSOR_IS_VIRTUAL(), true);
    }
    if (byValue) {
      d.flag(Cudnn.CUDNN_ATTR_TENSOR_IS_BY_VALUE(), true);
    }
    return new Edge(d.finish(), type, dims, strides);
  }

  // ---- operations

  /** The three directions of a convolution of images x by weights w to images y. */
  enum Direction {
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT
  }

  /** Adds the operation that writes y, x (as dx) or w (as dw) from the other two. */
  void convolution(Direction direction, Edge x, Edge w, Edge y, Window window) throws DnnException {
    Descriptor how =
        own(Descriptor.create("convolution", Cudnn.CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR()))
            .longs(Cudnn.CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS(), 2)
            .code(
                Cudnn.CUDNN_ATTR_CONVOLUTION_COMP_TYPE(),
                Cudnn.CUDNN_TYPE_DATA_TYPE(),
                Cudnn.CUDNN_DATA_FLOAT())
            .code(
                Cudnn.CUDNN_ATTR_CONVOLUTION_CONV_MODE(),
                Cudnn.CUDNN_TYPE_CONVOLUTION_MODE(),
                Cudnn.CUDNN_CROSS_CORRELATION())
            .longs(Cudnn.CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS(), window.top(), window.left())
            .longs(Cudnn.CUDNN_ATTR_CONVOLUTION_POST_PADDINGS(), window.bottom(), window.right())
            .longs(Cudnn.CUDNN_ATTR_CONVOLUTION_DILATIONS(), 1, 1)
            .longs(Cudnn.CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES(), window.stride(), window.stride())
            .finish();
    operations.add(
        switch (direction) {
          case FORWARD ->
              operation(
                      "convolution", Cudnn.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR())
                  .number(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA(), 1)
                  .number(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA(), 0)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC(), how)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X(), x.descriptor)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W(), w.descriptor)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y(), y.descriptor)
                  .finish();
          case INPUT_GRADIENT ->
              operation(
                      "convolution's input gradient",
                      Cudnn.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR())
                  .number(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA(), 1)
                  .number(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA(), 0)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC(), how)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX(), x.descriptor)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W(), w.descriptor)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY(), y.descriptor)
                  .finish();
          case WEIGHT_GRADIENT ->
              operation(
                      "convolution's weight gradient",
                      Cudnn.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR())
                  .number(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA(), 1)
                  .number(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA(), 0)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC(), how)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X(), x.descriptor)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW(), w.descriptor)
                  .nodes(Cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY(), y.descriptor)
                  .finish();
        });
  }

  /** y = x + b, where b broadcasts. */
  void add(Edge x, Edge b, Edge y) throws DnnException {
    operations.add(
        pointwise(Cudnn.CUDNN_POINTWISE_ADD())
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_XDESC(), x.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_BDESC(), b.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_YDESC(), y.descriptor)
            .finish());
  }

  /** y = f(x), for what {@link #knows}. */
  void apply(Unary f, Edge x, Edge y) throws DnnException {
    operations.add(
        pointwise(mode(f))
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_XDESC(), x.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_YDESC(), y.descriptor)
            .finish());
  }

  /** Whether cuDNN has the function. */
  static boolean knows(Unary f) {
    return f == null || mode(f) >= 0;
  }

  private static int mode(Unary f) {
    return switch (f) {
      case SILU -> Cudnn.CUDNN_POINTWISE_SWISH_FWD();
      case GELU -> Cudnn.CUDNN_POINTWISE_GELU_FWD();
      case GELU_TANH -> Cudnn.CUDNN_POINTWISE_GELU_APPROX_TANH_FWD();
      case SIGMOID -> Cudnn.CUDNN_POINTWISE_SIGMOID_FWD();
      case RELU -> Cudnn.CUDNN_POINTWISE_RELU_FWD();
      case TANH -> Cudnn.CUDNN_POINTWISE_TANH_FWD();
      case EXP -> Cudnn.CUDNN_POINTWISE_EXP();
      case QUICK_GELU, SQUARE, SQRT, SIN, COS -> -1;
    };
  }

  private Descriptor pointwise(int mode) throws DnnException {
    Descriptor how =
        own(Descriptor.create("pointwise", Cudnn.CUDNN_BACKEND_POINTWISE_DESCRIPTOR()))
            .code(Cudnn.CUDNN_ATTR_POINTWISE_MODE(), Cudnn.CUDNN_TYPE_POINTWISE_MODE(), mode)
            .code(
                Cudnn.CUDNN_ATTR_POINTWISE_MATH_PREC(),
                Cudnn.CUDNN_TYPE_DATA_TYPE(),
                Cudnn.CUDNN_DATA_FLOAT())
            .finish();
    return operation("pointwise", Cudnn.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR())
        .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR(), how);
  }

  /** y = softmax(scale · q kᵀ) v of [N, H, T, D]; stats, nullable, its logarithms [N, H, T, 1]. */
  void attention(Edge q, Edge k, Edge v, Edge scale, Edge y, Edge stats) throws DnnException {
    Descriptor d =
        operation("attention", Cudnn.CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR())
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC(), q.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC(), k.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC(), v.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC(), scale.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC(), y.descriptor);
    if (stats != null) {
      d.nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC(), stats.descriptor);
    }
    operations.add(d.finish());
  }

  /** The gradients of {@link #attention}. */
  void attentionBackward(
      Edge q, Edge k, Edge v, Edge scale, Edge y, Edge dy, Edge stats, Edge dq, Edge dk, Edge dv)
      throws DnnException {
    operations.add(
        operation("attention's gradient", Cudnn.CUDNN_BACKEND_OPERATION_SDPA_BWD_DESCRIPTOR())
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_QDESC(), q.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_KDESC(), k.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_VDESC(), v.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_ODESC(), y.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_DODDESC(), dy.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_STATSDESC(), stats.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_SCALEDESC(), scale.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_DQDESC(), dq.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_DKDESC(), dk.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_SDPA_BWD_DVDESC(), dv.descriptor)
            .finish());
  }

  private Descriptor operation(String name, int type) throws DnnException {
    return own(Descriptor.create(name, type));
  }

  // ---- plans

  /**
   * The best plan that cuDNN has.
   *
   * @throws DnnException if no engine runs this, with the reason of the last that was tried
   */
  Plan build(Target target, Freedom freedom) throws DnnException {
    Descriptor graph =
        own(Descriptor.create("graph", Cudnn.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR()));
    graph.nodes(Cudnn.CUDNN_ATTR_OPERATIONGRAPH_OPS(), operations.toArray(Descriptor[]::new));
    if (target instanceof Target.Handle handle) {
      graph.library(Cudnn.CUDNN_ATTR_OPERATIONGRAPH_HANDLE(), handle.cudnn());
    }
    graph.finish();
    DnnException last = new DnnException("its heuristics know no engine");
    for (int mode : new int[] {Cudnn.CUDNN_HEUR_MODE_A(), Cudnn.CUDNN_HEUR_MODE_FALLBACK()}) {
      List<Descriptor> choices;
      try {
        choices = recommended(graph, mode, target);
      } catch (DnnException e) {
        last = e;
        continue;
      }
      try {
        for (Descriptor choice : choices) {
          try {
            if (allowed(choice, freedom)) {
              return plan(choice, target);
            }
            last = new DnnException("what it recommends is not deterministic, or less exact");
          } catch (DnnException e) {
            last = e;
          }
        }
      } finally {
        choices.forEach(Descriptor::close);
      }
    }
    throw last;
  }

  private List<Descriptor> recommended(Descriptor graph, int mode, Target target)
      throws DnnException {
    Descriptor heuristics =
        own(Descriptor.create("heuristics", Cudnn.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR()))
            .nodes(Cudnn.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH(), graph)
            .code(Cudnn.CUDNN_ATTR_ENGINEHEUR_MODE(), Cudnn.CUDNN_TYPE_HEUR_MODE(), mode);
    if (target instanceof Target.Described described) {
      heuristics.nodes(Cudnn.CUDNN_ATTR_ENGINEHEUR_DEVICEPROP(), described.properties());
    }
    return heuristics
        .finish()
        .nodes(
            Cudnn.CUDNN_ATTR_ENGINEHEUR_RESULTS(),
            "engine configuration",
            Cudnn.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR(),
            MOST_ENGINES);
  }

  /** Whether an engine gives the same bits each time, and as exact ones as was asked for. */
  private static boolean allowed(Descriptor choice, Freedom freedom) throws DnnException {
    List<Descriptor> engine =
        choice.nodes(
            Cudnn.CUDNN_ATTR_ENGINECFG_ENGINE(),
            "engine",
            Cudnn.CUDNN_BACKEND_ENGINE_DESCRIPTOR(),
            1);
    try {
      List<Integer> notes =
          engine
              .getFirst()
              .codes(Cudnn.CUDNN_ATTR_ENGINE_NUMERICAL_NOTE(), Cudnn.CUDNN_TYPE_NUMERICAL_NOTE());
      boolean inexact =
          notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS())
              || notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION())
              || notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_WINOGRAD());
      return !notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC())
          && (!inexact || freedom.tensorCoresForF32);
    } finally {
      engine.forEach(Descriptor::close);
    }
  }

  private Plan plan(Descriptor choice, Target target) throws DnnException {
    Descriptor plan = Descriptor.create("plan", Cudnn.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR());
    try {
      switch (target) {
        case Target.Handle(MemorySegment cudnn) ->
            plan.library(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_HANDLE(), cudnn);
        case Target.Described(Descriptor properties) ->
            plan.nodes(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP(), properties);
      }
      plan.nodes(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG(), choice).finish();
      long workspace = plan.number(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE());
      return new Plan(plan, edges, workspace);
    } catch (DnnException | RuntimeException e) {
      plan.close();
      throw e;
    }
  }

  private Descriptor own(Descriptor descriptor) {
    owned.add(descriptor);
    return descriptor;
  }

  private static int type(DType dtype) {
    return switch (dtype) {
      case F32 -> Cudnn.CUDNN_DATA_FLOAT();
      case BF16 -> Cudnn.CUDNN_DATA_BFLOAT16();
      case F16 -> Cudnn.CUDNN_DATA_HALF();
      case I32, I64, U8 ->
          throw new IllegalArgumentException(
              "cuDNN: graphs here are of floating types, not " + dtype);
    };
  }

  @Override
  public void close() {
    for (Descriptor descriptor : owned.reversed()) {
      descriptor.close();
    }
  }
}
