package nacre.diffusion.schedule;

import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Tensor;

/**
 * The noise levels σ, falling, along which samplers of Karras et al., 2022, go, with the timesteps
 * of the model that belong to them. Samples are clean + σ · noise, and the model's input is scaled
 * down to the variance of training.
 */
final class SigmaPath {
  private final NoiseSchedule schedule;
  private final float[] timesteps;
  private final float[] sigmas;

  /**
   * @param timesteps one for each noise level but the last
   * @param sigmas the last is where sampling ends
   */
  SigmaPath(NoiseSchedule schedule, float[] timesteps, float[] sigmas) {
    this.schedule = schedule;
    this.timesteps = timesteps;
    this.sigmas = sigmas;
  }

  /**
   * The path of a number of steps.
   *
   * @param rounded whether timesteps of the spacing of Karras et al. are rounded
   */
  static SigmaPath of(NoiseSchedule schedule, SigmaConfig config, int steps, boolean rounded) {
    SigmaTable table = new SigmaTable(schedule);
    float[] timesteps = timesteps(schedule, steps);
    return of(schedule, table, config, timesteps, table.at(timesteps), rounded);
  }

  /**
   * The same from given noise levels.
   *
   * @param timesteps of the noise levels; overwritten
   * @param followed the noise levels where they follow timesteps; between the first and the last
   *     where they are spaced otherwise
   */
  static SigmaPath of(
      NoiseSchedule schedule,
      SigmaTable table,
      SigmaConfig config,
      float[] timesteps,
      double[] followed,
      boolean rounded) {
    double[] spaced = followed;
    if (config.spacing() != SigmaSpacing.TIMESTEPS) {
      spaced = config.between(followed[0], followed[followed.length - 1], timesteps.length);
      for (int i = 0; i < timesteps.length; i++) {
        double timestep = table.timestep(spaced[i]);
        boolean whole = rounded && config.spacing() == SigmaSpacing.KARRAS;
        timesteps[i] = (float) (whole ? Math.rint(timestep) : timestep);
      }
    }
    float[] sigmas = new float[spaced.length + 1];
    for (int i = 0; i < spaced.length; i++) {
      sigmas[i] = (float) spaced[i];
    }
    sigmas[spaced.length] = config.endsAtLowest() ? table.lowest() : 0;
    return new SigmaPath(schedule, timesteps, sigmas);
  }

  /** The timesteps that the configuration spaces. */
  static float[] timesteps(NoiseSchedule schedule, int steps) {
    SchedulerConfig config = schedule.config();
    return config
        .timestepSpacing()
        .continuous(config.numTrainTimesteps(), steps, config.stepsOffset());
  }

  /**
   * The same with a quarter of σ's logarithm in place of each timestep: as many as noise levels,
   * which with {@code interpolation_type} log_linear is one more than steps.
   */
  SigmaPath withQuarterLogarithms() {
    float[] values = new float[sigmas.length - 1];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.25f * (float) Math.log(sigmas[i]);
    }
    return new SigmaPath(schedule, values, sigmas);
  }

  NoiseSchedule schedule() {
    return schedule;
  }

  /** Number of timesteps. */
  int length() {
    return timesteps.length;
  }

  double timestep(int index) {
    return timesteps[index];
  }

  float sigma(int index) {
    return sigmas[index];
  }

  double initNoiseSigma() {
    float highest = 0;
    for (float sigma : sigmas) {
      highest = Math.max(highest, sigma);
    }
    boolean leading = schedule.config().timestepSpacing() == TimestepSpacing.LEADING;
    return leading ? (float) Math.sqrt(highest * highest + 1) : highest;
  }

  /** The model's input for a sample at a noise level. */
  static Tensor modelInput(float sigma, Tensor sample) {
    return scale(sample, 1 / Math.sqrt(sigma * sigma + 1));
  }

  static Tensor addNoise(float sigma, Tensor clean, Tensor noise) {
    return mix(clean, 1, noise, sigma);
  }

  /** The conversion of the model's output at a noise level; its noise is (sample − clean) / σ. */
  OutputConversion conversion(double sigma) {
    return schedule.config().predictionType().conversionAtSigma(sigma);
  }

  /** sample + (sample − clean) / σ · change: a straight step with the model's output. */
  Tensor advance(double sigma, double change, Tensor from, Tensor sample, Tensor output) {
    OutputConversion conversion = conversion(sigma);
    if (from == sample) {
      return mix(
          sample,
          1 + change * conversion.noiseOfSample(),
          output,
          change * conversion.noiseOfOutput());
    }
    return WeightedTensor.sum(
        new WeightedTensor(1, from),
        new WeightedTensor(change * conversion.noiseOfSample(), sample),
        new WeightedTensor(change * conversion.noiseOfOutput(), output));
  }
}
