package nacre.diffusion.schedule;

/**
 * The defaults of a class of schedulers for keys that every class has, as in diffusers.
 *
 * @param betaStart variance of the noise that the first timestep adds
 * @param betaEnd variance of the noise that the last adds
 * @param betaSchedule those between
 * @param spacing which timesteps are sampled at
 */
public record ScheduleDefaults(
    double betaStart, double betaEnd, BetaSchedule betaSchedule, TimestepSpacing spacing) {

  /** Those of Ho et al., 2020, with timesteps from the first upwards. */
  public static final ScheduleDefaults LEADING =
      new ScheduleDefaults(0.0001, 0.02, BetaSchedule.LINEAR, TimestepSpacing.LEADING);

  /** Those of Ho et al., 2020, with timesteps evenly from the first to the last. */
  static final ScheduleDefaults LINSPACE =
      new ScheduleDefaults(0.0001, 0.02, BetaSchedule.LINEAR, TimestepSpacing.LINSPACE);

  /** Those of two-stage samplers: the variances of Stable Diffusion, though evenly. */
  static final ScheduleDefaults TWO_STAGE =
      new ScheduleDefaults(0.00085, 0.012, BetaSchedule.LINEAR, TimestepSpacing.LINSPACE);

  /** Those of consistency models: the variances of Stable Diffusion. */
  static final ScheduleDefaults CONSISTENCY =
      new ScheduleDefaults(0.00085, 0.012, BetaSchedule.SCALED_LINEAR, TimestepSpacing.LEADING);
}
