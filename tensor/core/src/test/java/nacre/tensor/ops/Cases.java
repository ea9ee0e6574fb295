package nacre.tensor.ops;

import static nacre.tensor.ops.Activation.activation;
import static nacre.tensor.ops.Activation.square;
import static nacre.tensor.ops.Affine.affine;
import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.divide;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Arithmetic.subtract;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Gather.gather;
import static nacre.tensor.ops.Geglu.geglu;
import static nacre.tensor.ops.GroupNormalization.groupNorm;
import static nacre.tensor.ops.GroupNormalization.groupNormSilu;
import static nacre.tensor.ops.LayerNormalization.layerNorm;
import static nacre.tensor.ops.Linear.linear;
import static nacre.tensor.ops.LinearGeglu.geglu;
import static nacre.tensor.ops.MatrixProduct.matmul;
import static nacre.tensor.ops.MeanSquaredError.meanSquaredError;
import static nacre.tensor.ops.Mix.mix;
import static nacre.tensor.ops.Pad.pad;
import static nacre.tensor.ops.Permute.permute;
import static nacre.tensor.ops.Reduce.max;
import static nacre.tensor.ops.Reduce.mean;
import static nacre.tensor.ops.Reduce.sum;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.ScaledDotProductAttention.attention;
import static nacre.tensor.ops.Slice.slice;
import static nacre.tensor.ops.Slice.split;
import static nacre.tensor.ops.Softmax.softmax;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/** The ways of using each operation whose gradients are checked. */
final class Cases {
  private static final double EPS = 1e-5;

  private final List<Case> cases = new ArrayList<>();

  private Cases() {}

  static List<Case> all() {
    Cases all = new Cases();
    all.elementwise();
    all.reductions();
    all.products();
    all.attentions();
    all.normalizations();
    all.movements();
    ImageCases.addTo(all);
    LossCases.addTo(all);
    return List.copyOf(all.cases);
  }

  void put(
      Class<? extends Operation> operation,
      String name,
      Function<Tensor[], Tensor> function,
      Input... inputs) {
    cases.add(new Case(operation, name, List.of(inputs), function));
  }

  private void elementwise() {
    for (Unary f : Unary.values()) {
      String name = f.name().toLowerCase(Locale.ROOT);
      Input input =
          switch (f) {
            case RELU, ABS -> Input.awayFromZero(5, 7);
            case SQRT, LOG -> Input.positive(5, 7);
            default -> Input.of(5, 7);
          };
      put(Activation.class, name, in -> activation(f, in[0]), input);
    }
    put(Activation.class, "square of a scalar", in -> square(in[0]), Input.awayFromZero());
    put(Affine.class, "affine", in -> affine(in[0], -1.5, 0.25), Input.of(3, 5));
    put(Affine.class, "shift only", in -> affine(in[0], 1, 2), Input.of(3, 5));
    put(Affine.class, "scale", in -> scale(in[0], 0.375), Input.of(17));
    put(Mix.class, "mix", in -> mix(in[0], 0.75, in[1], -2), Input.of(3, 5), Input.of(3, 5));
    put(Mix.class, "sum", in -> mix(in[0], 1, in[1], 1), Input.of(7), Input.of(7));
    put(Mix.class, "with itself", in -> mix(in[0], 1, in[0], 0.5), Input.of(7));
    put(Geglu.class, "geglu", in -> geglu(in[0]), Input.of(3, 10));
    put(Geglu.class, "geglu rank 3", in -> geglu(in[0]), Input.of(2, 3, 6));
    put(Cast.class, "to bf16", in -> cast(in[0], DType.BF16), Input.coarse(3, 5));
    put(Cast.class, "to f16", in -> cast(in[0], DType.F16), Input.coarse(3, 5));
    put(Cast.class, "to f32", in -> cast(in[0], DType.F32), Input.of(3, 5));
    arithmetic("same shape", Input.of(3, 5), Input.awayFromZero(3, 5));
    arithmetic("row", Input.of(2, 3, 5), Input.awayFromZero(5));
    arithmetic("column", Input.of(2, 3, 5), Input.awayFromZero(2, 3, 1));
    arithmetic("scalar", Input.of(3, 5), Input.awayFromZero());
    arithmetic("left stretched", Input.of(3, 1), Input.awayFromZero(2, 3, 5));
    arithmetic("both stretched", Input.of(3, 1, 5), Input.awayFromZero(2, 1, 7, 1));
    arithmetic("ones in front", Input.of(1, 1, 5), Input.awayFromZero(5));
    put(Arithmetic.class, "square by product", in -> multiply(in[0], in[0]), Input.of(7));
    put(Arithmetic.class, "doubled by sum", in -> add(in[0], in[0]), Input.of(7));
  }

  private void arithmetic(String name, Input a, Input b) {
    put(Arithmetic.class, "add " + name, in -> add(in[0], in[1]), a, b);
    put(Arithmetic.class, "subtract " + name, in -> subtract(in[0], in[1]), a, b);
    put(Arithmetic.class, "multiply " + name, in -> multiply(in[0], in[1]), a, b);
    put(Arithmetic.class, "divide " + name, in -> divide(in[0], in[1]), a, b);
  }

  private void reductions() {
    put(Reduce.class, "sum of all", in -> sum(in[0]), Input.of(3, 5));
    put(Reduce.class, "mean of all", in -> mean(in[0]), Input.of(3, 5));
    put(Reduce.class, "sum of one", in -> sum(in[0]), Input.of(1));
    put(Reduce.class, "sum over last", in -> sum(in[0], -1), Input.of(3, 5));
    put(Reduce.class, "mean over last", in -> mean(in[0], -1), Input.of(3, 5));
    put(Reduce.class, "sum over first and last", in -> sum(in[0], 0, 2), Input.of(3, 5, 2));
    put(Reduce.class, "mean over middle", in -> mean(in[0], 1), Input.of(3, 5, 2));
    put(Reduce.class, "mean over an axis of one", in -> mean(in[0], 1), Input.of(3, 1, 2));
    put(Reduce.class, "max of all", in -> max(apart(in[0])), Input.of(3, 5));
    put(Reduce.class, "max over last", in -> max(apart(in[0]), -1), Input.of(3, 5));
    put(Reduce.class, "max over first and last", in -> max(apart(in[0]), 0, 2), Input.of(3, 5, 2));
    put(Reduce.class, "max over an axis of one", in -> max(apart(in[0]), 1), Input.of(3, 1, 2));
    put(
        MeanSquaredError.class,
        "two inputs",
        in -> meanSquaredError(in[0], in[1]),
        Input.of(3, 5),
        Input.of(3, 5));
  }

  /**
   * An eighth of x, added to whole numbers in no order: so far apart that steps change no order.
   */
  static Tensor apart(Tensor x) {
    float[] whole = new float[(int) x.elements()];
    for (int i = 0; i < whole.length; i++) {
      whole[i] = i * 7 % whole.length;
    }
    return add(affine(x, 0.125, 0), x.like().copyFrom(whole));
  }

  private void products() {
    Input x = Input.of(3, 5);
    Input w = Input.of(7, 5);
    Input bias = Input.of(7);
    put(Linear.class, "with bias", in -> linear(in[0], in[1], in[2]), x, w, bias);
    put(Linear.class, "without bias", in -> linear(in[0], in[1], null), x, w);
    put(Linear.class, "of a vector", in -> linear(in[0], in[1], in[2]), Input.of(5), w, bias);
    put(Linear.class, "rank 4", in -> linear(in[0], in[1], in[2]), Input.of(2, 1, 3, 5), w, bias);
    for (Unary f : List.of(Unary.SILU, Unary.GELU, Unary.GELU_TANH, Unary.QUICK_GELU, Unary.TANH)) {
      String name = f.name().toLowerCase(Locale.ROOT);
      put(Linear.class, name, in -> linear(in[0], in[1], in[2], f), x, w, bias);
      put(Linear.class, name + " no bias", in -> linear(in[0], in[1], null, f), x, w);
    }
    Input residual = Input.of(3, 7);
    put(
        Linear.class,
        "residual",
        in -> linear(in[0], in[1], in[2], null, in[3]),
        x,
        w,
        bias,
        residual);
    put(
        Linear.class,
        "silu and residual",
        in -> linear(in[0], in[1], null, Unary.SILU, in[2]),
        x,
        w,
        residual);
    put(
        Linear.class,
        "residual is the input",
        in -> linear(in[0], in[1], null, null, in[0]),
        Input.of(3, 4),
        Input.of(4, 4));
    Input wide = Input.of(6, 5);
    put(LinearGeglu.class, "bias", in -> geglu(in[0], in[1], in[2]), x, wide, Input.of(6));
    put(LinearGeglu.class, "no bias", in -> geglu(in[0], in[1], null), x, wide);
    put(
        LinearGeglu.class,
        "rank 3",
        in -> geglu(in[0], in[1], in[2]),
        Input.of(2, 3, 5),
        wide,
        Input.of(6));
    // Weights and inputs above zero and a bias beyond them keep every sum away from relu's kink.
    put(
        Linear.class,
        "relu",
        in -> linear(in[0], in[1], affine(in[2], 20, 0), Unary.RELU),
        Input.positive(3, 2),
        Input.positive(7, 2),
        Input.awayFromZero(7));
    for (boolean ta : new boolean[] {false, true}) {
      for (boolean tb : new boolean[] {false, true}) {
        String name = (ta ? "aᵀ " : "a ") + (tb ? "bᵀ" : "b");
        Function<Tensor[], Tensor> f = in -> matmul(in[0], ta, in[1], tb);
        Input a2 = ta ? Input.of(5, 3) : Input.of(3, 5);
        Input b2 = tb ? Input.of(2, 5) : Input.of(5, 2);
        put(MatrixProduct.class, name, f, a2, b2);
        Input a3 = ta ? Input.of(2, 5, 3) : Input.of(2, 3, 5);
        Input b3 = tb ? Input.of(2, 2, 5) : Input.of(2, 5, 2);
        put(MatrixProduct.class, name + " batched", f, a3, b3);
        put(MatrixProduct.class, name + " shared right", f, a3, b2);
      }
    }
    put(MatrixProduct.class, "Gram", in -> matmul(in[0], false, in[0], true), Input.of(3, 5));
    put(
        MatrixProduct.class,
        "rank 4",
        in -> matmul(in[0], in[1]),
        Input.of(2, 1, 3, 2),
        Input.of(2, 1, 2, 3));
  }

  private void attentions() {
    Class<ScaledDotProductAttention> op = ScaledDotProductAttention.class;
    Input q = Input.of(2, 3, 2, 4);
    Input k = Input.of(2, 5, 2, 4);
    put(op, "cross", in -> attention(in[0], in[1], in[2]), q, k, k);
    put(op, "scaled", in -> attention(in[0], in[1], in[2], 0.25, false), q, k, k);
    put(op, "causal", in -> attention(in[0], in[1], in[2], 0.5, true), q, q, q);
    put(op, "causal, more keys", in -> attention(in[0], in[1], in[2], 0.5, true), q, k, k);
    put(op, "one head", in -> attention(in[0], in[1], in[2]), third(), third(), third());
    put(op, "self", in -> attention(in[0], in[0], in[0]), q);
    put(Softmax.class, "rows", in -> softmax(in[0]), Input.of(3, 5));
    put(Softmax.class, "one row", in -> softmax(in[0]), Input.of(9));
    put(Softmax.class, "rank 3", in -> softmax(in[0]), Input.of(2, 3, 4));
  }

  private static Input third() {
    return Input.of(1, 3, 1, 3);
  }

  private void normalizations() {
    Input image = Input.of(2, 3, 3, 6);
    Input vector = Input.awayFromZero(6);
    for (int groups : new int[] {1, 2, 3, 6}) {
      put(
          GroupNormalization.class,
          "groups " + groups,
          in -> groupNorm(in[0], in[1], in[2], groups, EPS),
          image,
          vector,
          vector);
      put(
          GroupNormalization.class,
          "SiLU, groups " + groups,
          in -> groupNormSilu(in[0], in[1], in[2], groups, EPS),
          image,
          vector,
          vector);
    }
    put(
        GroupNormalization.class,
        "large eps, rank 3",
        in -> groupNorm(in[0], in[1], in[2], 2, 0.5),
        Input.of(2, 3, 6),
        vector,
        vector);
    put(
        LayerNormalization.class,
        "rows",
        in -> layerNorm(in[0], in[1], in[2], EPS),
        Input.of(3, 9),
        Input.of(9),
        Input.of(9));
    put(
        LayerNormalization.class,
        "large eps, rank 3",
        in -> layerNorm(in[0], in[1], in[2], 0.5),
        Input.of(2, 2, 6),
        vector,
        vector);
    put(
        LayerNormalization.class,
        "one row",
        in -> layerNorm(in[0], in[1], in[2], EPS),
        Input.of(8),
        Input.of(8),
        Input.of(8));
  }

  private void movements() {
    Input a = Input.of(2, 3, 2);
    Input b = Input.of(2, 1, 2);
    put(Concat.class, "axis 1", in -> concat(1, in[0], in[1]), a, b);
    put(Concat.class, "first", in -> concat(0, in[0], in[1]), Input.of(2, 3), Input.of(1, 3));
    put(Concat.class, "last", in -> concat(-1, in), a, Input.of(2, 3, 1), Input.of(2, 3, 5));
    put(Concat.class, "with itself", in -> concat(1, in[0], in[0]), b);
    put(Concat.class, "of one", in -> concat(0, in[0]), b);
    put(Slice.class, "middle", in -> slice(in[0], 1, 1, 3), Input.of(2, 5, 3));
    put(Slice.class, "last axis", in -> slice(in[0], -1, 4, 1), Input.of(2, 5));
    put(Slice.class, "whole", in -> slice(in[0], 0, 0, 3), Input.of(3, 2));
    put(
        Slice.class,
        "split and swapped",
        in -> {
          Tensor[] parts = split(in[0], 1, 2, 3);
          return concat(1, parts[1], parts[0]);
        },
        Input.of(2, 5));
    put(
        Slice.class,
        "overlapping",
        in -> add(slice(in[0], 0, 0, 4), slice(in[0], 0, 1, 4)),
        Input.of(5));
    put(
        Pad.class,
        "both sides",
        in -> pad(in[0], new int[] {0, 1, 2}, new int[] {1, 0, 1}),
        Input.of(2, 3, 2));
    put(Pad.class, "none", in -> pad(in[0], new int[1], new int[1]), Input.of(3));
    put(Permute.class, "transposed", in -> permute(in[0], 1, 0), Input.of(3, 5));
    put(Permute.class, "cycle", in -> permute(in[0], 2, 0, 1), Input.of(2, 3, 4));
    put(Permute.class, "heads", in -> permute(in[0], 0, 2, 1, 3), Input.of(2, 3, 2, 3));
    put(Reshape.class, "given", in -> square(reshape(in[0], 5, 3)), Input.of(3, 5));
    put(Reshape.class, "worked out", in -> reshape(in[0], 2, -1), Input.of(3, 4));
    put(
        Reshape.class,
        "beside its source",
        in -> multiply(reshape(in[0], 3, 4), reshape(square(in[0]), 3, 4)),
        Input.of(12));
    put(Gather.class, "repeated rows", in -> gather(in[0], indices(in[0])), Input.of(5, 3));
    put(
        Gather.class,
        "i64 indices",
        in -> gather(in[0], cast(indices(in[0]), DType.I64)),
        Input.of(5, 3));
  }

  /** [2, 3], two rows named twice, row 3 not at all. */
  private static Tensor indices(Tensor table) {
    return Tensor.ofInts(table.device(), Shape.of(2, 3), 4, 0, 2, 2, 1, 4);
  }
}
