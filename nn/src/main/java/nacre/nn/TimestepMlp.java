package nacre.nn;

import static nacre.tensor.ops.Arithmetic.add;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/**
 * The MLP of a UNet's time embedding, applied to the timestep's sinusoids: {@code linear_1}, SiLU,
 * {@code linear_2}, under diffusers' names. It may take a condition, which {@code cond_proj} adds
 * to the sinusoids.
 */
public final class TimestepMlp implements Layer {
  private final Linear condition;
  private final Linear first;
  private final Linear second;

  /** {@code in → width → width}, without a condition. */
  public TimestepMlp(Parameters p, int in, int width) {
    this(p, in, width, 0);
  }

  /**
   * {@code in → width → width}.
   *
   * @param conditionWidth width of the condition; 0 for none
   */
  public TimestepMlp(Parameters p, int in, int width, int conditionWidth) {
    this.condition =
        conditionWidth == 0 ? null : new Linear(p.at("cond_proj"), conditionWidth, in, false);
    this.first = new Linear(p.at("linear_1"), in, width);
    this.second = new Linear(p.at("linear_2"), width, width);
  }

  /** {@code sinusoids [N, in] → [N, width]}. */
  @Override
  public Tensor forward(Tensor sinusoids) {
    return second.forward(first.forward(sinusoids, Unary.SILU));
  }

  /** {@code sinusoids [N, in], condition [N, conditionWidth] → [N, width]}. */
  public Tensor forward(Tensor sinusoids, Tensor embedded) {
    try (Scope scope = Scope.open()) {
      return scope.keep(forward(add(sinusoids, condition.forward(embedded))));
    }
  }
}
