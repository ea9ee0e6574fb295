package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.OptionalInt;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;

/** What a primitive does to its result before it writes it. */
final class Attributes {
  private Attributes() {}

  /** oneDNN's algorithm for an activation, if it has it fused. */
  static OptionalInt algorithm(Unary f) {
    return switch (f) {
      case SILU -> OptionalInt.of(Dnnl.dnnl_eltwise_swish());
      case GELU -> OptionalInt.of(Dnnl.dnnl_eltwise_gelu_erf());
      case GELU_TANH -> OptionalInt.of(Dnnl.dnnl_eltwise_gelu_tanh());
      case SIGMOID -> OptionalInt.of(Dnnl.dnnl_eltwise_logistic());
      case RELU -> OptionalInt.of(Dnnl.dnnl_eltwise_relu());
      case TANH -> OptionalInt.of(Dnnl.dnnl_eltwise_tanh());
      case SQUARE -> OptionalInt.of(Dnnl.dnnl_eltwise_square());
      case QUICK_GELU, EXP, SQRT, SIN, COS, LOG, SOFTPLUS, ABS -> OptionalInt.empty();
    };
  }

  /**
   * Something done to every element of the result.
   *
   * @see #of
   */
  sealed interface Step {}

  /** Multiplies by a number. */
  record Scale(float factor) implements Step {}

  /** Adds what stands where the result will be written. */
  record Accumulate() implements Step {}

  /** Applies a function that {@link #algorithm} has. */
  record Apply(Unary f) implements Step {}

  /** Combines with the elements of a tensor of this layout, which is an argument of its own. */
  record Combine(Binary f, MemorySegment layout) implements Step {}

  /** The argument number of the tensor that the {@code i}-th step combines with. */
  static int argument(int i) {
    return Dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE() * (i + 1) | Dnnl.DNNL_ARG_SRC_1();
  }

  /** Attributes of these steps, in their order, with a scratchpad that is lent. */
  static MemorySegment of(List<Step> steps) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check("post-operations", Dnnl.dnnl_post_ops_create(out));
      MemorySegment ops = out.get(ValueLayout.ADDRESS, 0);
      for (Step step : steps) {
        OneDnn.check("post-operation " + step, append(ops, step));
      }
      OneDnn.check("attributes", Dnnl.dnnl_primitive_attr_create(out));
      MemorySegment attributes = out.get(ValueLayout.ADDRESS, 0);
      OneDnn.check(
          "attributes",
          Dnnl.dnnl_primitive_attr_set_scratchpad_mode(
              attributes, Dnnl.dnnl_scratchpad_mode_user()));
      OneDnn.check("attributes", Dnnl.dnnl_primitive_attr_set_post_ops(attributes, ops));
      Dnnl.dnnl_post_ops_destroy(ops);
      return attributes;
    }
  }

  private static int append(MemorySegment ops, Step step) {
    return switch (step) {
      case Scale s ->
          Dnnl.dnnl_post_ops_append_eltwise(ops, Dnnl.dnnl_eltwise_linear(), s.factor, 0f);
      case Accumulate _ -> Dnnl.dnnl_post_ops_append_sum(ops, 1f, 0, Dnnl.dnnl_data_type_undef());
      case Apply a ->
          // Alpha is the steepness of swish, and the slope left of zero of relu.
          Dnnl.dnnl_post_ops_append_eltwise(
              ops, algorithm(a.f).orElseThrow(), a.f == Unary.RELU ? 0f : 1f, 0f);
      case Combine c -> Dnnl.dnnl_post_ops_append_binary(ops, algorithm(c.f), c.layout);
    };
  }

  static int algorithm(Binary f) {
    return switch (f) {
      case ADD -> Dnnl.dnnl_binary_add();
      case SUBTRACT -> Dnnl.dnnl_binary_sub();
      case MULTIPLY -> Dnnl.dnnl_binary_mul();
      case DIVIDE -> Dnnl.dnnl_binary_div();
      case EQUAL, LESS -> throw new IllegalArgumentException(f + " is not asked of oneDNN");
    };
  }

  /** Attributes that do nothing to the result, and have the scratchpad lent. */
  static MemorySegment plain() {
    return of(List.of());
  }

  static void destroy(MemorySegment attributes) {
    Dnnl.dnnl_primitive_attr_destroy(attributes);
  }
}
