package nacre.diffusion.schedule;

/** The variances β of the noise that each timestep of training adds, in f32 as diffusers has it. */
public enum BetaSchedule {
  /** Evenly from start to end (Ho et al., 2020). */
  LINEAR("linear"),
  /** Their roots evenly from start's to end's (Stable Diffusion). */
  SCALED_LINEAR("scaled_linear"),
  /** A squared cosine, β at most 0.999 (Nichol and Dhariwal, 2021, equation 17). */
  SQUARED_COSINE("squaredcos_cap_v2");

  private final String key;

  BetaSchedule(String key) {
    this.key = key;
  }

  /** The name in a scheduler's {@code config.json}. */
  public String key() {
    return key;
  }

  /**
   * The schedule of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static BetaSchedule of(String key) {
    for (BetaSchedule schedule : values()) {
      if (schedule.key.equals(key)) {
        return schedule;
      }
    }
    throw new IllegalArgumentException(
        "scheduler: beta_schedule '"
            + key
            + "' is not known; known are linear, scaled_linear, squaredcos_cap_v2");
  }

  /** β of each timestep. The cosine knows no start and end. */
  float[] betas(int count, double start, double end) {
    return switch (this) {
      case LINEAR -> linspace((float) start, (float) end, count);
      case SCALED_LINEAR -> {
        float[] roots = linspace((float) Math.sqrt(start), (float) Math.sqrt(end), count);
        for (int i = 0; i < count; i++) {
          roots[i] *= roots[i];
        }
        yield roots;
      }
      case SQUARED_COSINE -> {
        float[] betas = new float[count];
        for (int i = 0; i < count; i++) {
          double ratio = cosine((i + 1.0) / count) / cosine((double) i / count);
          betas[i] = (float) Math.min(1 - ratio, 0.999);
        }
        yield betas;
      }
    };
  }

  private static double cosine(double t) {
    double c = Math.cos((t + 0.008) / 1.008 * Math.PI / 2);
    return c * c;
  }

  /** As PyTorch: from both ends towards the middle, each value rounded once. */
  static float[] linspace(float start, float end, int count) {
    float[] values = new float[count];
    float step = count == 1 ? 0 : (end - start) / (count - 1);
    for (int i = 0; i < count; i++) {
      boolean fromStart = i < count / 2 || count == 1;
      values[i] = fromStart ? Math.fma(step, i, start) : Math.fma(-step, count - 1 - i, end);
    }
    return values;
  }
}
