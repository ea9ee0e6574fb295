package nacre.nn;

import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/**
 * The MLP of a UNet's time embedding, applied to the timestep's sinusoids: {@code linear_1}, SiLU,
 * {@code linear_2}, under diffusers' names.
 */
public final class TimestepMlp implements Layer {
  private final Linear first;
  private final Linear second;

  /** {@code in → width → width}. */
  public TimestepMlp(Parameters p, int in, int width) {
    this.first = new Linear(p.at("linear_1"), in, width);
    this.second = new Linear(p.at("linear_2"), width, width);
  }

  /** {@code sinusoids [N, in] → [N, width]}. */
  @Override
  public Tensor forward(Tensor sinusoids) {
    return second.forward(first.forward(sinusoids, Unary.SILU));
  }
}
