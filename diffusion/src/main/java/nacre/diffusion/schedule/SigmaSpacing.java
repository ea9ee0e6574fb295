package nacre.diffusion.schedule;

/** The spacing of the noise levels σ of sampling between the highest and the lowest. */
public enum SigmaSpacing {
  /** Each is that of a timestep, by {@link TimestepSpacing}. */
  TIMESTEPS(""),
  /** Evenly in their seventh roots (Karras et al., 2022, equation 5). */
  KARRAS("use_karras_sigmas"),
  /** Evenly in their logarithms. */
  EXPONENTIAL("use_exponential_sigmas"),
  /** Likewise, but from the noise schedule's logarithms in f32 (Lu et al., 2022). */
  LU("use_lu_lambdas");

  private static final double RHO = 7;

  private final String key;

  SigmaSpacing(String key) {
    this.key = key;
  }

  /** The key that is true in a {@code scheduler_config.json} for this one; empty for none. */
  String key() {
    return key;
  }

  /**
   * The given number of noise levels, the highest first, in numpy's arithmetic.
   *
   * @throws IllegalStateException for {@link #TIMESTEPS}, which takes them from elsewhere
   */
  double[] between(double highest, double lowest, int count) {
    double from = along(highest);
    double to = along(lowest);
    double[] sigmas = new double[count];
    for (int i = 0; i < count; i++) {
      sigmas[i] = back(TimestepSpacing.linspace(from, to, count, i));
    }
    return sigmas;
  }

  private double along(double sigma) {
    return switch (this) {
      case TIMESTEPS -> throw new IllegalStateException("timesteps have their own noise levels");
      case KARRAS -> Math.pow(sigma, 1 / RHO);
      case EXPONENTIAL -> Math.log(sigma);
      case LU -> (float) Math.log(sigma);
    };
  }

  private double back(double place) {
    return this == KARRAS ? Math.pow(place, RHO) : Math.exp(place);
  }
}
