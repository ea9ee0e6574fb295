package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.OptionalInt;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.backend.Unary;

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
      case QUICK_GELU, EXP, SQRT, SIN, COS -> OptionalInt.empty();
    };
  }

  /** The argument number of the residual that {@link #of} adds. */
  static int residualArgument() {
    return Dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE() | Dnnl.DNNL_ARG_SRC_1();
  }

  /**
   * Attributes that scale, add a residual and apply an activation, and have the scratchpad lent.
   *
   * @param scale 1 for none
   * @param residual its layout, or null
   * @param f one that {@link #algorithm} has, or null
   */
  static MemorySegment of(float scale, MemorySegment residual, Unary f) {
    return of(scale, false, residual, f);
  }

  /** Attributes that scale, and add to what stands there if so asked; the scratchpad is lent. */
  static MemorySegment sum(float scale, boolean add) {
    return of(scale, add, null, null);
  }

  private static MemorySegment of(float scale, boolean add, MemorySegment residual, Unary f) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check("post-operations", Dnnl.dnnl_post_ops_create(out));
      MemorySegment ops = out.get(ValueLayout.ADDRESS, 0);
      if (scale != 1f) {
        OneDnn.check(
            "post-operation scale",
            Dnnl.dnnl_post_ops_append_eltwise(ops, Dnnl.dnnl_eltwise_linear(), scale, 0f));
      }
      if (add) {
        OneDnn.check(
            "post-operation sum",
            Dnnl.dnnl_post_ops_append_sum(ops, 1f, 0, Dnnl.dnnl_data_type_undef()));
      }
      if (residual != null) {
        OneDnn.check(
            "post-operation add",
            Dnnl.dnnl_post_ops_append_binary(ops, Dnnl.dnnl_binary_add(), residual));
      }
      if (f != null) {
        OneDnn.check(
            "post-operation " + f,
            // Alpha is the steepness of swish, and the slope left of zero of relu.
            Dnnl.dnnl_post_ops_append_eltwise(
                ops, algorithm(f).orElseThrow(), f == Unary.RELU ? 0f : 1f, 0f));
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

  /** Attributes that do nothing to the result, and have the scratchpad lent. */
  static MemorySegment plain() {
    return of(1f, null, null);
  }

  static void destroy(MemorySegment attributes) {
    Dnnl.dnnl_primitive_attr_destroy(attributes);
  }
}
