package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The mean of −log softmax(logits)[target], an f32 scalar: the loss of a classifier. Inputs:
 * logits, targets.
 */
public record CrossEntropy() implements Operation {

  /**
   * logits {@code [.., C]}, targets {@code [..]} → f32 scalar. Logits of any size will do: the
   * largest of a row is taken off before the exponential.
   *
   * @param targets i32 or i64, each in 0 to C − 1
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   * @throws IndexOutOfBoundsException if a target is none of the classes; of a GPU, whoever next
   *     reads numbers from it is told
   */
  public static Tensor crossEntropy(Tensor logits, Tensor targets) {
    Require.floating("crossEntropy", logits);
    Require.atLeast("crossEntropy", "logits", logits, 1, "[.., C]");
    Require.sameDevice("crossEntropy", logits, targets);
    if (targets.dtype() != DType.I32 && targets.dtype() != DType.I64) {
      throw new IllegalArgumentException(
          "crossEntropy: targets " + targets.describe() + " want dtype i32 or i64");
    }
    int classes = logits.dim(-1);
    int rank = targets.shape().rank();
    boolean fits = rank == logits.shape().rank() - 1 && targets.elements() > 0 && classes > 0;
    for (int axis = 0; fits && axis < rank; axis++) {
      fits = targets.dim(axis) == logits.dim(axis);
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "crossEntropy: logits "
              + logits.describe()
              + " and targets "
              + targets.describe()
              + " want shapes [.., C] and [..], with an element at least");
    }
    return Operation.apply(new CrossEntropy(), logits, targets);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = Tensor.empty(in[0].device(), DType.F32, Shape.of());
    in[0].backend().crossEntropy(in[0], in[1], y);
    context.save(in[0], in[1]);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor logits = context.saved(0);
    Tensor dx = logits.like();
    dy.backend().crossEntropyBackward(logits, context.saved(1), dy, dx);
    return new Tensor[] {dx, null};
  }
}
