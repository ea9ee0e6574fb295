package nacre.evaluation.threedit;

import static nacre.tensor.ops.Ops.affine;
import static nacre.tensor.ops.Ops.less;
import static nacre.tensor.ops.Ops.multiply;
import static nacre.tensor.ops.Ops.reshape;
import static nacre.tensor.ops.Ops.subtract;

import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * What training leaves out, so that the model can be guided: of one number r in [0, 1) for each
 * picture, the tokens where r &lt; 2p, the source's latent where p ≤ r &lt; 3p. So both are left
 * out as often as either alone, p. T always stays.
 *
 * @param probability p; 0.05 as published
 */
record ConditionDropout(double probability) {
  ConditionDropout {
    if (!(probability >= 0 && probability <= 1.0 / 3)) {
      throw new IllegalArgumentException(
          "3DIT: the probability of dropping a condition is "
              + probability
              + ", from 0 to a third is wanted");
    }
  }

  /** Tokens {@code [B, n, C]}, zeros where they are dropped. */
  Tensor tokens(Tensor tokens, Tensor drawn) {
    int batch = tokens.dim(0);
    return Scope.tidy(
        () -> {
          Tensor kept = affine(below(drawn, 2), -1, 1);
          return multiply(tokens, reshape(kept, batch, 1, 1));
        });
  }

  /** Latents of sources {@code [B, s, s, c]}, zeros where they are dropped. */
  Tensor source(Tensor source, Tensor drawn) {
    int batch = source.dim(0);
    return Scope.tidy(
        () -> {
          Tensor dropped = subtract(below(drawn, 3), below(drawn, 1));
          return multiply(source, reshape(affine(dropped, -1, 1), batch, 1, 1, 1));
        });
  }

  /** 1 where r is less than so many times p, else 0: f32 {@code [B]}. */
  private Tensor below(Tensor drawn, int times) {
    Shape shape = drawn.shape();
    Tensor limit = Tensor.full(drawn.device(), DType.F32, shape, (float) (times * probability));
    return less(drawn, limit);
  }
}
