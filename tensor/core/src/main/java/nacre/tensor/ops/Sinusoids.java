package nacre.tensor.ops;

import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/** Sinusoids of timesteps (Ho et al. 2020, after Vaswani et al. 2017, §3.5). Not differentiable. */
public final class Sinusoids {
  private Sinusoids() {}

  /**
   * t {@code [N]}, f32 → f32 {@code [N, dim]}: half sines, half cosines of t at frequencies {@code
   * maxPeriod^(−i / (dim/2 − frequencyShift))}.
   *
   * @param dim even
   * @param cosineFirst cosines in the first half ({@code flip_sin_to_cos})
   * @param frequencyShift {@code downscale_freq_shift}
   * @param maxPeriod 10000 in the field
   * @throws IllegalArgumentException if t is no f32 vector, or dim is odd, or the shift is not
   *     below dim/2
   */
  public static Tensor sinusoids(
      Tensor t, int dim, boolean cosineFirst, double frequencyShift, double maxPeriod) {
    Require.rank("sinusoids", "timesteps", t, 1, "[N]");
    if (t.dtype() != DType.F32) {
      throw new IllegalArgumentException(
          "sinusoids: timesteps " + t.describe() + " want dtype f32; cast them");
    }
    if (dim < 2 || dim % 2 != 0) {
      throw new IllegalArgumentException(
          "sinusoids: dim " + dim + " is not a positive even number");
    }
    if (frequencyShift >= dim / 2) {
      throw new IllegalArgumentException(
          "sinusoids: frequency shift "
              + frequencyShift
              + " leaves no frequencies in dim "
              + dim
              + "; it must be below "
              + dim / 2);
    }
    Tensor y = t.like(Shape.of(t.dim(0), dim));
    t.backend().sinusoids(t, cosineFirst, frequencyShift, maxPeriod, y);
    return y;
  }
}
