package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Tensor;

/**
 * The noise levels, falling, along which solvers in the log-SNR go (DPM-Solver, DEIS, UniPC), with
 * the timesteps of the model that belong to them. Samples are α · clean + σ · noise.
 */
final class LevelPath {
  private final NoiseSchedule schedule;
  private final int requestedSteps;
  private final int[] timesteps;
  private final NoiseLevel[] levels;

  /**
   * The details in which classes of diffusers differ.
   *
   * @param spacing of the timesteps
   * @param lambdaMinClipped timesteps of a lower log α − log σ are left out
   * @param endsAtOwnLowest whether the lowest level, at which the last step may end, is the last of
   *     the spaced ones rather than that of timestep 0
   * @param cutsCosine whether timesteps of spaced levels are cut off rather than rounded where the
   *     noise schedule is a cosine
   */
  record Rules(
      TimestepSpacing spacing,
      double lambdaMinClipped,
      boolean endsAtOwnLowest,
      boolean cutsCosine) {}

  LevelPath(NoiseSchedule schedule, SigmaConfig sigmas, Rules rules, int steps) {
    this.schedule = schedule;
    this.requestedSteps = steps;
    SigmaTable table = new SigmaTable(schedule);
    boolean followed = sigmas.spacing() == SigmaSpacing.TIMESTEPS;
    double[] spaced;
    if (followed) {
      SchedulerConfig config = schedule.config();
      int last = table.countAbove(rules.lambdaMinClipped);
      this.timesteps =
          rules.spacing.withoutLowest(
              config.numTrainTimesteps(), last, steps, config.stepsOffset());
      spaced = new double[timesteps.length];
      for (int i = 0; i < spaced.length; i++) {
        spaced[i] = table.at((double) timesteps[i]);
      }
    } else {
      spaced = sigmas.between(table.highest(), table.lowest(), steps);
      this.timesteps = new int[steps];
      for (int i = 0; i < steps; i++) {
        timesteps[i] = whole(table.timestep(spaced[i]), sigmas.spacing(), rules);
      }
    }
    this.levels = new NoiseLevel[spaced.length + 1];
    for (int i = 0; i < spaced.length; i++) {
      levels[i] = NoiseLevel.of((float) spaced[i]);
    }
    double lowest = rules.endsAtOwnLowest && !followed ? spaced[spaced.length - 1] : table.lowest();
    levels[spaced.length] = NoiseLevel.of(sigmas.endsAtLowest() ? (float) lowest : 0);
  }

  /** The timestep of the model, rounded for some spacings and cut off for others, as diffusers. */
  private int whole(double timestep, SigmaSpacing spacing, Rules rules) {
    boolean cosine = schedule.config().betaSchedule() == BetaSchedule.SQUARED_COSINE;
    boolean rounded = spacing == SigmaSpacing.KARRAS || spacing == SigmaSpacing.LU;
    return (int) (rounded && !(rules.cutsCosine && cosine) ? Math.rint(timestep) : timestep);
  }

  NoiseSchedule schedule() {
    return schedule;
  }

  int length() {
    return timesteps.length;
  }

  int requestedSteps() {
    return requestedSteps;
  }

  int timestep(int index) {
    return timesteps[index];
  }

  NoiseLevel level(int index) {
    return levels[index];
  }

  Tensor addNoise(int index, Tensor clean, Tensor noise) {
    return mix(clean, levels[index].alpha(), noise, levels[index].sigma());
  }

  /** The clean sample that the model's output at a step implies, clipped. */
  Tensor clean(int index, SampleClipping clipping, Tensor sample, Tensor output) {
    return clipping.apply(conversion(index).clean(sample, output));
  }

  /** The noise that the model's output at a step implies, with the clean sample clipped. */
  Tensor noise(int index, SampleClipping clipping, Tensor sample, Tensor output) {
    if (clipping.none()) {
      return conversion(index).noise(sample, output);
    }
    NoiseLevel level = levels[index];
    Tensor clean = clean(index, clipping, sample, output);
    return mix(sample, 1 / (double) level.sigma(), clean, -level.alpha() / (double) level.sigma());
  }

  private OutputConversion conversion(int index) {
    NoiseLevel level = levels[index];
    return schedule.config().predictionType().conversion(level.alpha(), level.sigma());
  }
}
