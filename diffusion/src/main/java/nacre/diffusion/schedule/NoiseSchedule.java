package nacre.diffusion.schedule;

import nacre.tensor.Device;
import nacre.tensor.Tensor;

/**
 * The noise schedule of training, which says how much noise a sample holds at each timestep: noisy
 * = √ᾱ · clean + √(1 − ᾱ) · noise (Ho et al., 2020, equation 4), with ᾱ in the arithmetic of
 * diffusers.
 */
public final class NoiseSchedule {
  private final SchedulerConfig config;
  private final float[] alphasCumprod;

  /** The schedule of a configuration. */
  public NoiseSchedule(SchedulerConfig config) {
    this.config = config;
    float[] product = cumulativeProduct(config.betas());
    this.alphasCumprod =
        config.rescaleBetasZeroSnr() ? cumulativeProduct(zeroTerminalSnr(product)) : product;
  }

  /** ∏ (1 − β) as PyTorch's cumprod: multiplied in f64, each product rounded to f32. */
  private static float[] cumulativeProduct(float[] betas) {
    float[] products = new float[betas.length];
    double product = 1;
    for (int i = 0; i < betas.length; i++) {
      product *= 1f - betas[i];
      products[i] = (float) product;
    }
    return products;
  }

  /** The betas of a schedule shifted so that ᾱ ends at 0: Lin et al., 2023, algorithm 1. */
  private static float[] zeroTerminalSnr(float[] alphasCumprod) {
    int n = alphasCumprod.length;
    float[] bars = new float[n];
    float first = (float) Math.sqrt(alphasCumprod[0]);
    float last = (float) Math.sqrt(alphasCumprod[n - 1]);
    float factor = first / (first - last);
    for (int i = 0; i < n; i++) {
      float root = ((float) Math.sqrt(alphasCumprod[i]) - last) * factor;
      bars[i] = root * root;
    }
    float[] betas = new float[n];
    for (int i = 0; i < n; i++) {
      betas[i] = 1f - (i == 0 ? bars[0] : bars[i] / bars[i - 1]);
    }
    return betas;
  }

  /** The configuration that the schedule was made from. */
  public SchedulerConfig config() {
    return config;
  }

  /** Number of timesteps, 0 to this less one. */
  public int timesteps() {
    return alphasCumprod.length;
  }

  /**
   * ᾱ, the share of the clean sample in the variance at a timestep.
   *
   * @throws IllegalArgumentException if there is no such timestep
   */
  public float alphaCumprod(int timestep) {
    if (timestep < 0 || timestep >= alphasCumprod.length) {
      throw new IllegalArgumentException(
          "scheduler: timestep " + timestep + " is not one of 0 to " + (alphasCumprod.length - 1));
    }
    return alphasCumprod[timestep];
  }

  /**
   * ᾱ of a timestep, or of the end of the last step.
   *
   * @param timestep may be below 0
   * @param noNoise whether ᾱ is then 1 rather than that of timestep 0
   */
  float alphaCumprod(int timestep, boolean noNoise) {
    return timestep < 0 && noNoise ? 1 : alphaCumprod(Math.max(timestep, 0));
  }

  /**
   * The clean sample that a prediction implies, {@code [N, ..]} as both operands.
   *
   * @param sample at the noise of the timestep
   * @param output what the model predicted of it
   * @throws IllegalArgumentException if there is no such timestep
   */
  public Tensor clean(int timestep, Tensor sample, Tensor output) {
    return config.predictionType().conversion(alphaCumprod(timestep)).clean(sample, output);
  }

  /** The same on a device, in the current scope. */
  public NoiseTable on(Device device) {
    return new NoiseTable(this, device);
  }
}
