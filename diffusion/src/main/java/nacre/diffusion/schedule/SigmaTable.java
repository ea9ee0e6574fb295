package nacre.diffusion.schedule;

/**
 * The noise level σ = √((1 − ᾱ) / ᾱ) of each timestep of training, rising, in f32 as diffusers has
 * it; between timesteps as numpy interpolates.
 */
final class SigmaTable {
  /** ᾱ where it would be nothing, so that σ is finite: f16's smallest number. */
  private static final float LEAST_ALPHA = 0x1p-24f;

  private final float[] sigmas;
  private final float[] logarithms;

  SigmaTable(NoiseSchedule schedule) {
    int count = schedule.timesteps();
    sigmas = new float[count];
    logarithms = new float[count];
    for (int i = 0; i < count; i++) {
      boolean pureNoise = schedule.config().rescaleBetasZeroSnr() && i == count - 1;
      float alpha = pureNoise ? LEAST_ALPHA : schedule.alphaCumprod(i);
      sigmas[i] = (float) Math.sqrt((1f - alpha) / alpha);
      logarithms[i] = (float) Math.log(sigmas[i]);
    }
  }

  float lowest() {
    return sigmas[0];
  }

  float highest() {
    return sigmas[sigmas.length - 1];
  }

  /** Number of timesteps, from the first, whose log α − log σ, half the log-SNR, is at least λ. */
  int countAbove(double lambda) {
    int count = sigmas.length;
    while (count > 0 && -logarithms[count - 1] < lambda) {
      count--;
    }
    return count;
  }

  /** σ at a timestep, which may lie between two. */
  double at(double timestep) {
    int below = (int) timestep;
    if (below >= sigmas.length - 1) {
      return highest();
    }
    double slope = (double) sigmas[below + 1] - sigmas[below];
    return slope * (timestep - below) + sigmas[below];
  }

  /** σ at each of several timesteps. */
  double[] at(float[] timesteps) {
    double[] values = new double[timesteps.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = at((double) timesteps[i]);
    }
    return values;
  }

  /** The timestep that has σ, which may lie between two. */
  double timestep(double sigma) {
    double logarithm = Math.log(Math.max(sigma, 1e-10));
    int below = 0;
    while (below < sigmas.length - 2 && logarithm >= logarithms[below + 1]) {
      below++;
    }
    double low = logarithms[below];
    double weight = (low - logarithm) / (logarithms[below] - logarithms[below + 1]);
    weight = Math.clamp(weight, 0, 1);
    return (1 - weight) * below + weight * (below + 1);
  }
}
