package nacre.diffusion.schedule;

import java.util.Arrays;
import java.util.Locale;

/**
 * The spacing of the timesteps of sampling among those of training: table 2 of Lin et al., "Common
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
    requireSteps(steps, trained);
    int[] timesteps = new int[steps];
    for (int i = 0; i < steps; i++) {
      timesteps[i] =
          switch (this) {
            case LEADING -> (steps - 1 - i) * (trained / steps) + offset;
            case TRAILING -> trailing(trained, (double) trained / steps, i);
            case LINSPACE -> (int) Math.rint(linspace(0, trained - 1, steps, steps - 1 - i));
          };
      requireTrained(timesteps[i], trained, steps, offset);
    }
    return timesteps;
  }

  /**
   * The timesteps of {@link EulerScheduler}, largest first: those of {@link #LINSPACE} are not
   * rounded.
   */
  float[] continuous(int trained, int steps, int offset) {
    int[] rounded = timesteps(trained, steps, offset);
    float[] timesteps = new float[steps];
    for (int i = 0; i < steps; i++) {
      timesteps[i] =
          this == LINSPACE ? (float) linspace(0, trained - 1, steps, steps - 1 - i) : rounded[i];
    }
    return timesteps;
  }

  /**
   * The timesteps of {@link DpmSolverScheduler}, largest first: as though there were one more step,
   * to the lowest.
   *
   * @param last those from this on are left out, which may leave fewer steps
   */
  int[] withoutLowest(int trained, int last, int steps, int offset) {
    if (this != TRAILING) {
      return Arrays.copyOf(timesteps(last, steps + 1, offset), steps);
    }
    requireSteps(steps, last);
    double stride = (double) trained / steps;
    int[] timesteps = new int[Math.min(steps, (int) Math.ceil(last / stride))];
    for (int i = 0; i < timesteps.length; i++) {
      timesteps[i] = trailing(last, stride, i);
    }
    return timesteps;
  }

  private static void requireSteps(int steps, int trained) {
    if (steps < 1 || steps > trained) {
      throw new IllegalArgumentException(
          "scheduler: " + steps + " steps are asked for; there are 1 to " + trained);
    }
  }

  private void requireTrained(int timestep, int trained, int steps, int offset) {
    if (timestep < 0 || timestep >= trained) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: with %d steps, spacing %s and steps_offset %d, timestep %d is not one of"
                  + " the %d trained",
              steps,
              key,
              offset,
              timestep,
              trained));
    }
  }

  /** {@code round(arange(last, 0, -stride))[i] - 1}, in numpy's arithmetic. */
  private static int trailing(int last, double stride, int i) {
    double delta = (last - stride) - last;
    return (int) Math.rint(last + i * delta) - 1;
  }

  /** {@code linspace(from, to, count)[i]}, in numpy's arithmetic. */
  static double linspace(double from, double to, int count, int i) {
    if (count == 1) {
      return from;
    }
    return i == count - 1 ? to : i * ((to - from) / (count - 1)) + from;
  }
}
