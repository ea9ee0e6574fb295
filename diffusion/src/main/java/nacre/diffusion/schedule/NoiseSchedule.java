package nacre.diffusion.schedule;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Arithmetic.subtract;
import static nacre.tensor.ops.Cast.cast;

import java.util.Arrays;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * How much noise a sample holds at each timestep: noisy = √ᾱ · clean + √(1 − ᾱ) · noise (Ho et al.,
 * 2020, equation 4), with ᾱ in the arithmetic of diffusers.
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

  /** What the schedule was made from. */
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
   * ᾱ of a timestep, or of what a last step ends at.
   *
   * @param timestep may be below 0
   * @param noNoise whether ᾱ is 1 then rather than timestep 0's
   */
  float alphaCumprod(int timestep, boolean noNoise) {
    return timestep < 0 && noNoise ? 1 : alphaCumprod(Math.max(timestep, 0));
  }

  /**
   * √ᾱ · clean + √(1 − ᾱ) · noise, {@code [N, ..] → [N, ..]}.
   *
   * @param timesteps one for each of the N samples
   * @throws IllegalArgumentException if there are not N, or one does not exist
   */
  public Tensor addNoise(Tensor clean, Tensor noise, int... timesteps) {
    try (Scope scope = Scope.open()) {
      Tensor kept = multiply(factors("addNoise", clean, true, timesteps), clean);
      return scope.hand(add(kept, multiply(factors("addNoise", noise, false, timesteps), noise)));
    }
  }

  /**
   * √ᾱ · noise − √(1 − ᾱ) · clean, {@code [N, ..] → [N, ..]} (Salimans and Ho, 2022).
   *
   * @param timesteps one for each of the N samples
   */
  public Tensor velocity(Tensor clean, Tensor noise, int... timesteps) {
    try (Scope scope = Scope.open()) {
      Tensor scaled = multiply(factors("velocity", noise, true, timesteps), noise);
      Tensor taken = multiply(factors("velocity", clean, false, timesteps), clean);
      return scope.hand(subtract(scaled, taken));
    }
  }

  /** What the model is to predict, {@code [N, ..]}, by the configured {@link PredictionType}. */
  public Tensor target(Tensor clean, Tensor noise, int... timesteps) {
    return switch (config.predictionType()) {
      case EPSILON -> noise;
      case SAMPLE -> clean;
      case V_PREDICTION -> velocity(clean, noise, timesteps);
    };
  }

  /** √ᾱ, or else √(1 − ᾱ), of each timestep, {@code [N, 1, ..]} for x {@code [N, ..]}. */
  private Tensor factors(String operation, Tensor x, boolean ofClean, int... timesteps) {
    int rank = x.shape().rank();
    if (rank == 0 || x.dim(0) != timesteps.length) {
      throw new IllegalArgumentException(
          operation
              + ": "
              + timesteps.length
              + " timesteps for "
              + x
              + "; one for each entry of its first axis is wanted");
    }
    float[] factors = new float[timesteps.length];
    for (int i = 0; i < factors.length; i++) {
      float alpha = alphaCumprod(timesteps[i]);
      factors[i] = (float) Math.sqrt(ofClean ? alpha : 1f - alpha);
    }
    int[] dims = new int[rank];
    Arrays.fill(dims, 1);
    dims[0] = factors.length;
    return cast(Tensor.of(x.device(), Shape.of(dims), factors), x.dtype());
  }
}
