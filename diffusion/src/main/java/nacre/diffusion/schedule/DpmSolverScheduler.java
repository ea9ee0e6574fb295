package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * DPM-Solver++, multistep (Lu et al., "DPM-Solver++", 2022, algorithm 2 and its stochastic
 * variant), as diffusers' {@code DPMSolverMultistepScheduler}.
 */
public final class DpmSolverScheduler implements Scheduler {
  /** The number of steps from which on the last ones need not be of a lower order. */
  private static final int MANY_STEPS = 15;

  private final NoiseSchedule schedule;
  private final DpmSolverConfig method;
  private final int requestedSteps;
  private final int[] timesteps;
  private final Level[] levels;

  /**
   * A noise level in f32, as diffusers has it.
   *
   * @param alpha factor of the clean sample
   * @param sigma factor of the noise
   * @param lambda log α − log σ
   */
  private record Level(float alpha, float sigma, float lambda) {

    /** The noise level of a ratio σ / α. */
    static Level of(float ratio) {
      float alpha = 1 / (float) Math.sqrt(ratio * ratio + 1);
      float sigma = ratio * alpha;
      return new Level(alpha, sigma, (float) Math.log(alpha) - (float) Math.log(sigma));
    }
  }

  DpmSolverScheduler(NoiseSchedule schedule, DpmSolverConfig method, int steps) {
    this.schedule = schedule;
    this.method = method;
    this.requestedSteps = steps;
    SchedulerConfig config = schedule.config();
    SigmaTable table = new SigmaTable(schedule);
    SigmaConfig sigmas = method.sigmas();
    double[] spaced;
    if (sigmas.spacing() == SigmaSpacing.TIMESTEPS) {
      int last = table.countAbove(method.lambdaMinClipped());
      this.timesteps =
          config
              .timestepSpacing()
              .withoutLowest(config.numTrainTimesteps(), last, steps, config.stepsOffset());
      spaced = new double[timesteps.length];
      for (int i = 0; i < spaced.length; i++) {
        spaced[i] = table.at(timesteps[i]);
      }
    } else {
      double highest = sigmas.highest().orElse(table.highest());
      spaced = sigmas.spacing().between(highest, sigmas.lowest().orElse(table.lowest()), steps);
      this.timesteps = new int[steps];
      for (int i = 0; i < steps; i++) {
        timesteps[i] = timestep(table.timestep(spaced[i]));
      }
    }
    this.levels = new Level[spaced.length + 1];
    for (int i = 0; i < spaced.length; i++) {
      levels[i] = Level.of((float) spaced[i]);
    }
    levels[spaced.length] = Level.of(sigmas.endsAtLowest() ? table.lowest() : 0);
  }

  /** The timestep of the model, rounded for some spacings and cut off for others, as diffusers. */
  private int timestep(double timestep) {
    boolean rounded =
        method.sigmas().spacing() != SigmaSpacing.EXPONENTIAL
            && schedule.config().betaSchedule() != BetaSchedule.SQUARED_COSINE;
    return (int) (rounded ? Math.rint(timestep) : timestep);
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
  public Tensor addNoise(int index, Tensor clean, Tensor noise) {
    return mix(clean, levels[index].alpha, noise, levels[index].sigma);
  }

  @Override
  public boolean isStochastic(int index) {
    return method.stochastic();
  }

  @Override
  public History start(int index) {
    return new History(index, method.order());
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    try (Scope scope = Scope.open()) {
      Tensor[] clean = new Tensor[order(index, history.before())];
      for (int ago = 0; ago < clean.length; ago++) {
        clean[ago] = clean(levels[index - ago], history.sample(ago), history.output(ago));
      }
      Tensor y = advance(index, sample, clean);
      return scope.keep(method.stochastic() ? mix(y, 1, noise, noiseFactor(index)) : y);
    }
  }

  /** The number of predictions that a step uses. */
  private int order(int index, int before) {
    int left = timesteps.length - 1 - index;
    boolean cautious = method.lowerOrderFinal() && timesteps.length < MANY_STEPS;
    boolean last =
        left == 0 && (method.eulerAtFinal() || cautious || !method.sigmas().endsAtLowest());
    int order = Math.min(method.order(), before + 1);
    if (last) {
      return 1;
    }
    return left == 1 && cautious ? Math.min(order, 2) : order;
  }

  /** The estimate of the clean sample. */
  private Tensor clean(Level level, Tensor sample, Tensor output) {
    Tensor clean =
        switch (schedule.config().predictionType()) {
          case EPSILON ->
              mix(sample, 1 / (double) level.alpha, output, -level.sigma / (double) level.alpha);
          case SAMPLE -> output;
          case V_PREDICTION -> mix(sample, level.alpha, output, -level.sigma);
        };
    return method.clipping().apply(clean);
  }

  /** The next sample from the estimates, the newest first, without the noise. */
  private Tensor advance(int index, Tensor sample, Tensor[] clean) {
    Level from = levels[index];
    Level to = levels[index + 1];
    // The stochastic variant goes twice as far, and comes back by its noise.
    float h = to.lambda - from.lambda;
    float distance = method.stochastic() ? 2 * h : h;
    float decay = (float) Math.exp(-distance);
    float ofSample = to.sigma / from.sigma;
    if (method.stochastic()) {
      ofSample *= (float) Math.exp(-h);
    }
    float ofClean = to.alpha * (1 - decay);
    Tensor y = mix(sample, ofSample, clean[0], ofClean);
    if (clean.length == 1) {
      return y;
    }
    float ofSlope =
        clean.length == 3 || method.heun()
            ? to.alpha * ((decay - 1) / distance + 1)
            : 0.5f * ofClean;
    float h0 = from.lambda - levels[index - 1].lambda;
    float r0 = h0 / h;
    Tensor slope = mix(clean[0], 1 / r0, clean[1], -1 / r0);
    if (clean.length == 2) {
      return mix(y, 1, slope, ofSlope);
    }
    float r1 = (levels[index - 1].lambda - levels[index - 2].lambda) / h;
    Tensor older = mix(clean[1], 1 / r1, clean[2], -1 / r1);
    Tensor bend = mix(slope, 1 / (r0 + r1), older, -1 / (r0 + r1));
    float ofBend = -to.alpha * ((decay - 1 + distance) / (distance * distance) - 0.5f);
    if (method.stochastic()) {
      ofBend = to.alpha * ((1 - decay - distance) / (distance * distance) - 0.5f);
    }
    return WeightedTensor.sum(
        new WeightedTensor(1, y),
        new WeightedTensor(ofSlope, mix(slope, 1, bend, r0)),
        new WeightedTensor(ofBend, bend));
  }

  /** The standard deviation of the noise that a stochastic step adds. */
  private float noiseFactor(int index) {
    float h = levels[index + 1].lambda - levels[index].lambda;
    return levels[index + 1].sigma * (float) Math.sqrt(1 - (float) Math.exp(-2 * h));
  }
}
