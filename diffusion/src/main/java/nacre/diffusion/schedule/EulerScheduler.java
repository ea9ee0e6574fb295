package nacre.diffusion.schedule;

import nacre.tensor.Tensor;

/**
 * Euler's steps along the noise levels σ (Karras et al., 2022, algorithm 2 without its correction),
 * as diffusers' {@code EulerDiscreteScheduler}. Samples are clean + σ · noise, and the model's
 * input is scaled down to the variance of training.
 */
public final class EulerScheduler extends SigmaScheduler {
  private final int requestedSteps;

  EulerScheduler(NoiseSchedule schedule, EulerConfig method, int steps) {
    SigmaTable table = new SigmaTable(schedule);
    float[] timesteps = SigmaPath.timesteps(schedule, steps);
    double[] followed = method.logLinear() ? logLinear(table, steps) : table.at(timesteps);
    SigmaPath plain = SigmaPath.of(schedule, table, method.sigmas(), timesteps, followed, false);
    boolean logarithms =
        method.continuous() && schedule.config().predictionType() == PredictionType.V_PREDICTION;
    super(logarithms ? plain.withQuarterLogarithms() : plain);
    this.requestedSteps = steps;
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
  public int requestedSteps() {
    return requestedSteps;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    double sigma = path.sigma(index);
    return path.advance(sigma, path.sigma(index + 1) - sigma, sample, sample, output);
  }
}
