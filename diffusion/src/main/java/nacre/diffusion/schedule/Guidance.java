package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;
import static nacre.tensor.ops.Slice.slice;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** Classifier-free guidance (Ho and Salimans, 2022). */
public final class Guidance {
  private Guidance() {}

  /**
   * unconditional + scale · (conditional − unconditional), all {@code [N, ..]}.
   *
   * @param unconditional the model's output without its condition
   * @param conditional the model's output with it
   * @param scale 1 is the conditional output, more drives away from the unconditional
   */
  public static Tensor guide(Tensor unconditional, Tensor conditional, double scale) {
    return mix(unconditional, 1 - scale, conditional, scale);
  }

  /**
   * The same for both outputs in one batch, {@code [2N, ..] → [N, ..]}.
   *
   * @param outputs without the condition, then with it
   */
  public static Tensor guide(Tensor outputs, double scale) {
    int half = outputs.dim(0) / 2;
    try (Scope scope = Scope.open()) {
      Tensor unconditional = slice(outputs, 0, 0, half);
      return scope.keep(guide(unconditional, slice(outputs, 0, half, half), scale));
    }
  }
}
