package nacre.diffusion.schedule;

import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Tensor;

/**
 * Euler's steps along the noise levels σ (Karras et al., 2022, algorithm 2 without its correction),
 * as diffusers' {@code EulerDiscreteScheduler}. Samples are clean + σ · noise, and the model's
 * input is scaled down to the variance of training.
 */
public final class EulerScheduler implements Scheduler {
  private final NoiseSchedule schedule;
  private final int requestedSteps;
  private final float[] timesteps;
  private final float[] sigmas;

  EulerScheduler(NoiseSchedule schedule, EulerConfig method, int steps) {
    this.schedule = schedule;
    this.requestedSteps = steps;
    SchedulerConfig config = schedule.config();
    SigmaTable table = new SigmaTable(schedule);
    float[] at =
        config
            .timestepSpacing()
            .continuous(config.numTrainTimesteps(), steps, config.stepsOffset());
    double[] spaced = method.logLinear() ? logLinear(table, steps) : followed(table, at);
    SigmaConfig levels = method.sigmas();
    if (levels.spacing() != SigmaSpacing.TIMESTEPS) {
      double lowest = levels.lowest().orElse(spaced[spaced.length - 1]);
      spaced = levels.spacing().between(levels.highest().orElse(spaced[0]), lowest, steps);
      for (int i = 0; i < steps; i++) {
        at[i] = (float) table.timestep(spaced[i]);
      }
    }
    this.sigmas = new float[spaced.length + 1];
    for (int i = 0; i < spaced.length; i++) {
      sigmas[i] = (float) spaced[i];
    }
    sigmas[spaced.length] = levels.endsAtLowest() ? table.lowest() : 0;
    boolean logarithms =
        method.continuous() && config.predictionType() == PredictionType.V_PREDICTION;
    this.timesteps = logarithms ? quarterLogarithms(spaced.length) : at;
  }

  /** As many as noise levels, which with {@code interpolation_type} log_linear is one more. */
  private float[] quarterLogarithms(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = 0.25f * (float) Math.log(sigmas[i]);
    }
    return values;
  }

  private static double[] followed(SigmaTable table, float[] timesteps) {
    double[] sigmas = new double[timesteps.length];
    for (int i = 0; i < sigmas.length; i++) {
      sigmas[i] = table.at(timesteps[i]);
    }
    return sigmas;
  }

  /** One more than steps: the lowest is where the last of them ends. */
  private static double[] logLinear(SigmaTable table, int steps) {
    float[] logarithms =
        BetaSchedule.linspace(
            (float) Math.log(table.highest()), (float) Math.log(table.lowest()), steps + 1);
    double[] sigmas = new double[steps + 1];
    for (int i = 0; i <= steps; i++) {
      sigmas[i] = (float) Math.exp(logarithms[i]);
    }
    return sigmas;
  }

  @Override
  public NoiseSchedule schedule() {
    return schedule;
  }

  @Override
  public int steps() {
    return timesteps.length;
  }

  @Override
  public int requestedSteps() {
    return requestedSteps;
  }

  @Override
  public double timestep(int index) {
    return timesteps[index];
  }

  @Override
  public double initNoiseSigma() {
    float highest = 0;
    for (float sigma : sigmas) {
      highest = Math.max(highest, sigma);
    }
    boolean leading = schedule.config().timestepSpacing() == TimestepSpacing.LEADING;
    return leading ? (float) Math.sqrt(highest * highest + 1) : highest;
  }

  @Override
  public Tensor scaleModelInput(int index, Tensor sample) {
    float sigma = sigmas[index];
    return scale(sample, 1 / Math.sqrt(sigma * sigma + 1));
  }

  @Override
  public Tensor addNoise(int index, Tensor clean, Tensor noise) {
    return mix(clean, 1, noise, sigmas[index]);
  }

  @Override
  public boolean isStochastic(int index) {
    return false;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    double sigma = sigmas[index];
    double change = (double) sigmas[index + 1] - sigma;
    // clean = a · sample + b · output, next = sample + (sample − clean) / σ · change
    double square = sigma * sigma + 1;
    return switch (schedule.config().predictionType()) {
      case EPSILON -> mix(sample, 1, output, change);
      case SAMPLE -> mix(sample, 1 + change / sigma, output, -change / sigma);
      case V_PREDICTION ->
          mix(sample, 1 + sigma / square * change, output, change / Math.sqrt(square));
    };
  }
}
