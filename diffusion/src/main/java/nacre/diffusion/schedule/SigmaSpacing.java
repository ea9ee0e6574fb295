package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;

/** The spacing of the noise levels σ of sampling between the highest and the lowest. */
public enum SigmaSpacing {
  /** Each is that of a timestep, by {@link TimestepSpacing}. */
  TIMESTEPS(""),
  /** Evenly in their seventh roots (Karras et al., 2022, equation 5). */
  KARRAS("use_karras_sigmas"),
  /** Evenly in their logarithms. */
  EXPONENTIAL("use_exponential_sigmas"),
  /** Evenly in the logarithms of the noise schedule in f32 (Lu et al., 2022). */
  LU("use_lu_lambdas"),
  /** At the quantiles of a beta distribution, closer at both ends (Lee et al., 2024). */
  BETA("use_beta_sigmas");

  private static final double RHO = 7;

  private final String key;

  SigmaSpacing(String key) {
    this.key = key;
  }

  /** The key that is true in a {@code scheduler_config.json} for this one; empty for none. */
  String key() {
    return key;
  }

  /** Those that a name of a scheduler may end with. */
  static final List<SigmaSpacing> NAMED = List.of(KARRAS, EXPONENTIAL, BETA);

  /** The ending of a scheduler's name. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What the noise levels are, in a few words. */
  String description() {
    return switch (this) {
      case TIMESTEPS -> "those of its timesteps";
      case KARRAS -> "the noise levels of Karras et al., 2022";
      case EXPONENTIAL -> "noise levels even in their logarithms";
      case LU -> "the noise levels of Lu et al., 2022";
      case BETA -> "noise levels at quantiles of a beta distribution";
    };
  }

  /** Sets this one in a {@code scheduler_config.json}, and no other. */
  void choose(ObjectNode json) {
    for (SigmaSpacing other : values()) {
      json.remove(other.key);
    }
    json.put(key, true);
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
      sigmas[i] =
          switch (this) {
            case EXPONENTIAL -> Math.exp(TimestepSpacing.linspace(from, to, count, i));
            case BETA -> to + BetaQuantile.at(1 - ramp(count, i)) * (from - to);
            default -> back(from + ramp(count, i) * (to - from));
          };
    }
    return sigmas;
  }

  private static double ramp(int count, int i) {
    return TimestepSpacing.linspace(0, 1, count, i);
  }

  private double along(double sigma) {
    return switch (this) {
      case TIMESTEPS -> throw new IllegalStateException("timesteps have their own noise levels");
      case KARRAS -> Math.pow(sigma, 1 / RHO);
      case EXPONENTIAL -> Math.log(sigma);
      case LU -> (float) Math.log(sigma);
      case BETA -> sigma;
    };
  }

  private double back(double place) {
    return this == KARRAS ? Math.pow(place, RHO) : Math.exp(place);
  }
}
