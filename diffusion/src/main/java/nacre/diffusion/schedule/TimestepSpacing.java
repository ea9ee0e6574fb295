package nacre.diffusion.schedule;

/**
 * How the timesteps of sampling are chosen among those of training: table 2 of Lin et al., "Common
 * Diffusion Noise Schedules and Sample Steps are Flawed", 2023, rounded as diffusers does.
 */
public enum TimestepSpacing {
  /** From 0 upwards in equal steps, plus an offset: the last timestep of training is left out. */
  LEADING("leading"),
  /** From the last timestep downwards in equal steps. */
  TRAILING("trailing"),
  /** Evenly from the first to the last. */
  LINSPACE("linspace");

  private final String key;

  TimestepSpacing(String key) {
    this.key = key;
  }

  /** The name in a scheduler's {@code config.json}. */
  public String key() {
    return key;
  }

  /**
   * The spacing of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static TimestepSpacing of(String key) {
    for (TimestepSpacing spacing : values()) {
      if (spacing.key.equals(key)) {
        return spacing;
      }
    }
    throw new IllegalArgumentException(
        "scheduler: timestep_spacing '"
            + key
            + "' is not known; known are leading, trailing, linspace");
  }

  /**
   * The timesteps of sampling, largest first.
   *
   * @param trained number of timesteps in training
   * @param steps how many are wanted
   * @param offset added to those of {@link #LEADING}
   * @throws IllegalArgumentException if there are not so many
   */
  public int[] timesteps(int trained, int steps, int offset) {
    if (steps < 1 || steps > trained) {
      throw new IllegalArgumentException(
          "scheduler: " + steps + " steps are asked for; there are 1 to " + trained);
    }
    int[] timesteps = new int[steps];
    for (int i = 0; i < steps; i++) {
      timesteps[i] =
          switch (this) {
            case LEADING -> (steps - 1 - i) * (trained / steps) + offset;
            case TRAILING -> trailing(trained, steps, i);
            case LINSPACE -> linspace(trained, steps, steps - 1 - i);
          };
      if (timesteps[i] < 0 || timesteps[i] >= trained) {
        throw new IllegalArgumentException(
            "scheduler: with %d steps, spacing %s and steps_offset %d, timestep %d is not one of the %d trained"
                .formatted(steps, key, offset, timesteps[i], trained));
      }
    }
    return timesteps;
  }

  /** {@code round(arange(trained, 0, -trained / steps)) - 1}, in numpy's arithmetic. */
  private static int trailing(int trained, int steps, int i) {
    double ratio = (double) trained / steps;
    double delta = (trained - ratio) - trained;
    return (int) Math.rint(trained + i * delta) - 1;
  }

  /** {@code round(linspace(0, trained - 1, steps))}, in numpy's arithmetic. */
  private static int linspace(int trained, int steps, int i) {
    if (steps == 1) {
      return 0;
    }
    double step = (trained - 1.0) / (steps - 1);
    return i == steps - 1 ? trained - 1 : (int) Math.rint(i * step);
  }
}
