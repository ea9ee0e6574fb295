package nacre.tensor.cuda.cudnn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import nacre.bindings.cudnn.Cudnn;
import nacre.tensor.DType;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * A few operations that cuDNN is to run as one. Tensors and operations are added, then {@link
 * #plan} asks for a plan. Everything computes in f32, whatever it is stored as.
 */
final class Graph implements AutoCloseable {
  /** Node of a graph that holds numbers. Its place in the list of operands is its identifier. */
  record Edge(Descriptor descriptor, int type, long[] dims, long[] strides) {}

  /**
   * Which engines may serve.
   *
   * @param tensorCoresForF32 whether f32 operands may be rounded to 10 bits of fraction
   * @param failed engines, by number, that did not run this graph when they were tried
   * @param anew whether no plan will do that was kept
   */
  record Freedom(boolean tensorCoresForF32, Set<Long> failed, boolean anew) {
    Freedom(boolean tensorCoresForF32) {
      this(tensorCoresForF32, Set.of(), false);
    }

    /** The same, past what is kept. */
    Freedom fresh() {
      return new Freedom(tensorCoresForF32, failed, true);
    }

    /** The same, without one engine more. */
    Freedom without(long engine) {
      Set<Long> more = new TreeSet<>(failed);
      more.add(engine);
      return new Freedom(tensorCoresForF32, Set.copyOf(more), true);
    }
  }

  static final int ALIGNMENT = 16;
  private static final int FIRST_VIRTUAL = 1000;

  private final List<Descriptor> owned = new ArrayList<>();
  private final List<Descriptor> operations = new ArrayList<>();
  private final List<Long> scratch = new ArrayList<>();
  private int edges;
  private int virtuals;

  // ---- tensors

  /** The next operand of the plan, which is given its address when it runs. */
  Edge operand(DType dtype, long[] dims, long[] strides) throws CudnnException {
    return edge(++edges, type(dtype), dims, strides, false, false);
  }

  /** An operand that is one f32 in the host's memory, read when the plan runs. */
  Edge scalar(int rank) throws CudnnException {
    long[] ones = new long[rank];
    Arrays.fill(ones, 1);
    return edge(++edges, Cudnn.CUDNN_DATA_FLOAT(), ones, ones, false, true);
  }

  /** What one operation hands to the next, never stored; as {@code like}, in f32. */
  Edge between(Edge like) throws CudnnException {
    return between(DType.F32, like.dims, like.strides);
  }

  /** As {@link #between(Edge)}. */
  Edge between(DType dtype, long[] dims, long[] strides) throws CudnnException {
    return edge(FIRST_VIRTUAL + ++virtuals, type(dtype), dims, strides, true, false);
  }

  /** As {@link #between(Edge)}, but stored, in memory of the plan's own. */
  Edge scratch(Edge like) throws CudnnException {
    scratch.add(Arrays.stream(like.dims).reduce(Float.BYTES, (a, b) -> a * b));
    long id = Plan.FIRST_SCRATCH + scratch.size();
    return edge(id, Cudnn.CUDNN_DATA_FLOAT(), like.dims, like.strides, false, false);
  }

  private Edge edge(
      long id, int type, long[] dims, long[] strides, boolean virtual, boolean byValue)
      throws CudnnException {
    Descriptor d = own(Descriptor.part("tensor", Cudnn.CUDNN_BACKEND_TENSOR_DESCRIPTOR()));
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
  void convolution(Direction direction, Edge x, Edge w, Edge y, Window window)
      throws CudnnException {
    Descriptor how =
        own(Descriptor.part("convolution", Cudnn.CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR()))
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

  /** y = f(x, b), where b broadcasts. */
  void apply(Binary f, Edge x, Edge b, Edge y) throws CudnnException {
    int mode =
        switch (f) {
          case ADD -> Cudnn.CUDNN_POINTWISE_ADD();
          case SUBTRACT -> Cudnn.CUDNN_POINTWISE_SUB();
          case MULTIPLY -> Cudnn.CUDNN_POINTWISE_MUL();
          case DIVIDE -> Cudnn.CUDNN_POINTWISE_DIV();
          case EQUAL, LESS -> throw new IllegalArgumentException(f + " is not asked of cuDNN");
        };
    operations.add(
        pointwise(mode)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_XDESC(), x.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_BDESC(), b.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_YDESC(), y.descriptor)
            .finish());
  }

  /** As {@link #apply(Binary, Edge, Edge, Edge)}, to an edge between operations. */
  Edge apply(Binary f, Edge x, Edge b) throws CudnnException {
    Edge y = between(x);
    apply(f, x, b, y);
    return y;
  }

  /** As {@link #apply(Unary, Edge, Edge)}, to an edge between operations. */
  Edge apply(Unary f, Edge x) throws CudnnException {
    Edge y = between(x);
    apply(f, x, y);
    return y;
  }

  /** y = f(x), for what {@link #knows}. */
  void apply(Unary f, Edge x, Edge y) throws CudnnException {
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
      case LOG -> Cudnn.CUDNN_POINTWISE_LOG();
      case QUICK_GELU, SQUARE, SQRT, SIN, COS, SOFTPLUS, ABS -> -1;
    };
  }

  private Descriptor pointwise(int mode) throws CudnnException {
    Descriptor how =
        own(Descriptor.part("pointwise", Cudnn.CUDNN_BACKEND_POINTWISE_DESCRIPTOR()))
            .code(Cudnn.CUDNN_ATTR_POINTWISE_MODE(), Cudnn.CUDNN_TYPE_POINTWISE_MODE(), mode)
            .code(
                Cudnn.CUDNN_ATTR_POINTWISE_MATH_PREC(),
                Cudnn.CUDNN_TYPE_DATA_TYPE(),
                Cudnn.CUDNN_DATA_FLOAT())
            .finish();
    return operation("pointwise", Cudnn.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR())
        .nodes(Cudnn.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR(), how);
  }

  /** c [.., m, n] = a [.., m, k] · b [.., k, n]. */
  void product(Edge a, Edge b, Edge c) throws CudnnException {
    Descriptor how =
        own(Descriptor.part("product", Cudnn.CUDNN_BACKEND_MATMUL_DESCRIPTOR()))
            .code(
                Cudnn.CUDNN_ATTR_MATMUL_COMP_TYPE(),
                Cudnn.CUDNN_TYPE_DATA_TYPE(),
                Cudnn.CUDNN_DATA_FLOAT())
            .finish();
    operations.add(
        operation("product", Cudnn.CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR())
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_MATMUL_ADESC(), a.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_MATMUL_BDESC(), b.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_MATMUL_CDESC(), c.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_MATMUL_DESC(), how)
            .finish());
  }

  /** y = sums of x over the axes where y has one element. */
  void sum(Edge x, Edge y) throws CudnnException {
    reduce(Cudnn.CUDNN_REDUCE_TENSOR_ADD(), x, y);
  }

  /** y = the largest of x over the axes where y has one element. */
  void largest(Edge x, Edge y) throws CudnnException {
    reduce(Cudnn.CUDNN_REDUCE_TENSOR_MAX(), x, y);
  }

  private void reduce(int operator, Edge x, Edge y) throws CudnnException {
    Descriptor how =
        own(Descriptor.part("reduction", Cudnn.CUDNN_BACKEND_REDUCTION_DESCRIPTOR()))
            .code(
                Cudnn.CUDNN_ATTR_REDUCTION_COMP_TYPE(),
                Cudnn.CUDNN_TYPE_DATA_TYPE(),
                Cudnn.CUDNN_DATA_FLOAT())
            .code(
                Cudnn.CUDNN_ATTR_REDUCTION_OPERATOR(),
                Cudnn.CUDNN_TYPE_REDUCTION_OPERATOR_TYPE(),
                operator)
            .finish();
    operations.add(
        operation("reduction", Cudnn.CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR())
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_REDUCTION_XDESC(), x.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_REDUCTION_YDESC(), y.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_REDUCTION_DESC(), how)
            .finish());
  }

  /** x with its last two axes exchanged. */
  Edge transpose(DType dtype, Edge x) throws CudnnException {
    Edge y = between(dtype, exchanged(x.dims), exchanged(x.strides));
    operations.add(
        operation("transpose", Cudnn.CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR())
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_RESHAPE_XDESC(), x.descriptor)
            .nodes(Cudnn.CUDNN_ATTR_OPERATION_RESHAPE_YDESC(), y.descriptor)
            .finish());
    return y;
  }

  private static long[] exchanged(long[] axes) {
    long[] other = axes.clone();
    int last = axes.length - 1;
    other[last] = axes[last - 1];
    other[last - 1] = axes[last];
    return other;
  }

  /** y = softmax(scale · q kᵀ) v of [N, H, T, D]; stats, nullable, its logarithms [N, H, T, 1]. */
  void attention(Edge q, Edge k, Edge v, Edge scale, Edge y, Edge stats) throws CudnnException {
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

  private Descriptor operation(String name, int type) throws CudnnException {
    return own(Descriptor.part(name, type));
  }

  /**
   * The best plan that cuDNN has, as it was kept, or made now.
   *
   * @param dtype what operands are stored as
   * @throws CudnnException if no engine runs this, with the reason of the last that was tried
   */
  Plan plan(Target target, DType dtype, Freedom freedom) throws CudnnException {
    return plans(target, dtype, freedom, "first", 1).getFirst();
  }

  /** As many plans as are wanted, the best first; or the one that was kept of these. */
  List<Plan> candidates(Target target, DType dtype, Freedom freedom, int most)
      throws CudnnException {
    return plans(target, dtype, freedom, "fastest", most);
  }

  private List<Plan> plans(Target target, DType dtype, Freedom freedom, String which, int most)
      throws CudnnException {
    Descriptor graph =
        own(Descriptor.part("graph", Cudnn.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR()));
    graph.nodes(Cudnn.CUDNN_ATTR_OPERATIONGRAPH_OPS(), operations.toArray(Descriptor[]::new));
    String rounding = freedom.tensorCoresForF32() ? "TF32" : "exact";
    KeptPlan kept =
        new KeptPlan(target, String.join(", ", which, dtype.toString(), rounding, graph.told()));
    if (!freedom.anew()) {
      Optional<Engines.Choice> found = kept.find(dtype, freedom);
      if (found.isPresent()) {
        return List.of(new Plan(found.get(), edges, List.copyOf(scratch), kept, true));
      }
    }
    if (target instanceof Target.Handle handle) {
      graph.library(Cudnn.CUDNN_ATTR_OPERATIONGRAPH_HANDLE(), handle.cudnn());
    }
    try {
      return new Engines(graph.finish(), target, dtype, freedom)
          .first(most).stream()
              .map(choice -> new Plan(choice, edges, List.copyOf(scratch), kept, false))
              .toList();
    } catch (CudnnException e) {
      if (e.isForGood()) {
        kept.keepNone(e.getMessage());
      }
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
