package nacre.tensor.ops;

import static nacre.tensor.ops.AbsoluteError.meanAbsoluteError;
import static nacre.tensor.ops.Affine.affine;
import static nacre.tensor.ops.CrossEntropy.crossEntropy;
import static nacre.tensor.ops.Dropout.dropout;
import static nacre.tensor.ops.HuberLoss.huberLoss;
import static nacre.tensor.ops.Mish.mish;
import static nacre.tensor.ops.Where.where;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/** Losses, choices, dropout, and what is composed of functions. */
final class LossCases {
  private LossCases() {}

  static void addTo(Cases cases) {
    cases.put(
        CrossEntropy.class,
        "i32 targets",
        in -> crossEntropy(in[0], targets(in[0], false)),
        Input.of(6, 4));
    cases.put(
        CrossEntropy.class,
        "i64 targets",
        in -> crossEntropy(in[0], targets(in[0], true)),
        Input.of(2, 3, 5));
    cases.put(
        CrossEntropy.class,
        "of one row",
        in -> crossEntropy(in[0], Tensor.ofInts(in[0].device(), Shape.of(), 2)),
        Input.of(4));
    cases.put(Dropout.class, "a third", in -> dropout(in[0], 1.0 / 3, 7, 1), Input.of(5, 9));
    cases.put(Dropout.class, "none", in -> dropout(in[0], 0, 7, 2), Input.of(5));
    cases.put(
        Where.class,
        "one shape",
        in -> where(mask(in[0], 3, 5), in[0], in[1]),
        Input.of(3, 5),
        Input.of(3, 5));
    cases.put(
        Where.class,
        "bytes",
        in -> where(bytes(in[0], 3, 5), in[0], in[1]),
        Input.of(3, 5),
        Input.of(3, 5));
    cases.put(
        Where.class,
        "stretched",
        in -> where(mask(in[0], 3, 5), in[0], in[1]),
        Input.of(5),
        Input.of(2, 1, 1));
    cases.put(
        Where.class,
        "stretched bytes",
        in -> where(bytes(in[0], 3, 1), in[0], in[1]),
        Input.of(3, 4),
        Input.of(4));
    cases.put(Activation.class, "mish", in -> mish(in[0]), Input.of(5, 7));
    // Inputs of opposite sign: their distance stays away from its kinks at 0 and at delta.
    Input[] apart = {Input.positive(3, 5), Input.positive(3, 5)};
    cases.put(
        Activation.class, "L1 loss", in -> meanAbsoluteError(in[0], affine(in[1], -1, 0)), apart);
    cases.put(
        Activation.class,
        "Huber loss, linear",
        in -> huberLoss(in[0], affine(in[1], -1, 0), 0.75),
        apart);
    cases.put(
        Activation.class,
        "Huber loss, quadratic",
        in -> huberLoss(in[0], affine(in[1], -1, 0), 4.5),
        apart);
  }

  /** Every class, in turns. */
  private static Tensor targets(Tensor logits, boolean wide) {
    int[] extents = logits.shape().toArray();
    Shape rows = Shape.of(Arrays.copyOf(extents, extents.length - 1));
    int[] values = new int[(int) rows.elements()];
    Arrays.setAll(values, i -> i * 3 % logits.dim(-1));
    Tensor targets = Tensor.ofInts(logits.device(), rows, values);
    return wide ? Cast.cast(targets, DType.I64) : targets;
  }

  /** Zero at every third element. */
  private static Tensor mask(Tensor like, int... shape) {
    Tensor mask = like.like(Shape.of(shape));
    float[] values = new float[(int) mask.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 3;
    }
    return mask.copyFrom(values);
  }

  private static Tensor bytes(Tensor like, int... shape) {
    return Cast.cast(mask(like, shape), DType.U8);
  }
}
