package nacre.diffusion.schedule;

/**
 * The quantile function of the symmetric beta distribution Beta(0.6, 0.6), by which beta noise
 * levels are spaced (Lee et al., "Beta Sampling is All You Need", 2024).
 */
final class BetaQuantile {
  private static final double SHAPE = 0.6;

  /** B(0.6, 0.6) = Γ(0.6)² / Γ(1.2). */
  private static final double BETA = 2.4153442080024723;

  private BetaQuantile() {}

  /** The x of which the share p of the distribution lies below, both from 0 to 1. */
  static double at(double p) {
    if (p > 0.5) {
      return 1 - at(1 - p); // the distribution is symmetric
    }
    if (p <= 0) {
      return 0;
    }
    double low = 0;
    double high = 0.5;
    // The leading term of the series; Newton's steps from there, halving where one leaves the
    // range.
    double x = Math.min(Math.pow(p * SHAPE * BETA, 1 / SHAPE), high);
    for (int i = 0; i < 100; i++) {
      double error = cumulative(x) - p;
      if (error > 0) {
        high = x;
      } else {
        low = x;
      }
      double next = x - error / density(x);
      if (!(next > low && next < high)) {
        next = (low + high) / 2;
      }
      if (Math.abs(next - x) <= Math.ulp(x)) {
        return next;
      }
      x = next;
    }
    return x;
  }

  private static double density(double x) {
    return Math.pow(x * (1 - x), SHAPE - 1) / BETA;
  }

  /** The integral of the density from 0 to x ≤ 1/2, by the binomial series of (1 − t)^(−0.4). */
  private static double cumulative(double x) {
    double coefficient = 1;
    double sum = 1 / SHAPE;
    for (int n = 1; n < 100; n++) {
      coefficient *= (n - SHAPE) / n * x;
      sum += coefficient / (SHAPE + n);
    }
    return Math.pow(x, SHAPE) * sum / BETA;
  }
}
