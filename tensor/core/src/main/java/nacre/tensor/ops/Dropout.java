package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;

/**
 * Elements set to zero at random (Srivastava et al. 2014), the others scaled so that the mean
 * stays. Which, is a function of seed, stream and place alone ({@link nacre.tensor.Philox}), the
 * same on every device; no mask is kept, backward works it out again. Input: x.
 *
 * @param p probability of zero
 * @param seed of the random numbers
 * @param stream of the random numbers
 */
public record Dropout(double p, long seed, long stream) implements Operation {

  /**
   * x / (1 − p) with probability 1 − p, else zero, for training. In inference leave it out: there
   * it is the identity. Each call wants a stream of its own. Inside of a captured step seed and
   * stream are constants: every replay drops the same elements.
   *
   * @param p from 0 to 1
   * @throws IllegalArgumentException if p is not
   */
  public static Tensor dropout(Tensor x, double p, long seed, long stream) {
    Require.floating("dropout", x);
    if (!(p >= 0 && p <= 1)) {
      throw new IllegalArgumentException("dropout: p = " + p + " is no probability");
    }
    return Operation.apply(new Dropout(p, seed, stream), x);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = in[0].like();
    in[0].backend().dropout(in[0], p, seed, stream, y);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dx = dy.like();
    dy.backend().dropout(dy, p, seed, stream, dx);
    return new Tensor[] {dx};
  }
}
