package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * DPM-Solver++, multistep (Lu et al., "DPM-Solver++", 2022, algorithm 2 and its stochastic
 * variant), as diffusers' {@code DPMSolverMultistepScheduler}.
 */
public final class DpmSolverScheduler implements Scheduler {
  /** From so many steps on, the last ones need not be of a lower order. */
  private static final int MANY_STEPS = 15;

  private final NoiseSchedule schedule;
  private final DpmSolverConfig method;
  private final int asked;
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

    /** That of a ratio σ / α. */
    static Level of(float ratio) {
      float alpha = 1 / (float) Math.sqrt(ratio * ratio + 1);
      float sigma = ratio * alpha;
      return new Level(alpha, sigma, (float) Math.log(alpha) - (float) Math.log(sigma));
    }
  }

  DpmSolverScheduler(NoiseSchedule schedule, DpmSolverConfig method, int steps) {
    this.schedule = schedule;
    this.method = method;
    this.asked = steps;
    SchedulerConfig config = schedule.config();
    SigmaTable table = new SigmaTable(schedule);
    SigmaConfig sigmas = method.sigmas();
    double[] path;
    if (sigmas.path() == SigmaPath.TIMESTEPS) {
      int last = table.countAbove(method.lambdaMinClipped());
      this.timesteps =
          config
              .timestepSpacing()
              .withoutLowest(config.numTrainTimesteps(), last, steps, config.stepsOffset());
      path = new double[timesteps.length];
      for (int i = 0; i < path.length; i++) {
        path[i] = table.at(timesteps[i]);
      }
    } else {
      double highest = sigmas.highest().orElse(table.highest());
      path = sigmas.path().between(highest, sigmas.lowest().orElse(table.lowest()), steps);
      this.timesteps = new int[steps];
      for (int i = 0; i < steps; i++) {
        timesteps[i] = timestep(table.timestep(path[i]));
      }
    }
    this.levels = new Level[path.length + 1];
    for (int i = 0; i < path.length; i++) {
      levels[i] = Level.of((float) path[i]);
    }
    levels[path.length] = Level.of(sigmas.endsAtLowest() ? table.lowest() : 0);
  }

  /** What is told to the model, which diffusers rounds for some paths and cuts off for others. */
  private int timestep(double timestep) {
    boolean rounded =
        method.sigmas().path() != SigmaPath.EXPONENTIAL
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
    return asked;
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

  /** How many predictions a step is made from. */
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
    return method.limit().apply(clean);
  }

  /** What follows from the estimates, the newest first, but for the noise. */
  private Tensor advance(int index, Tensor sample, Tensor[] clean) {
    Level from = levels[index];
    Level to = levels[index + 1];
    // The stochastic variant goes twice as far, and comes back by its noise.
    float h = to.lambda - from.lambda;
    float way = method.stochastic() ? 2 * h : h;
    float decay = (float) Math.exp(-way);
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
        clean.length == 3 || method.heun() ? to.alpha * ((decay - 1) / way + 1) : 0.5f * ofClean;
    float h0 = from.lambda - levels[index - 1].lambda;
    float r0 = h0 / h;
    Tensor slope = mix(clean[0], 1 / r0, clean[1], -1 / r0);
    if (clean.length == 2) {
      return mix(y, 1, slope, ofSlope);
    }
    float r1 = (levels[index - 1].lambda - levels[index - 2].lambda) / h;
    Tensor older = mix(clean[1], 1 / r1, clean[2], -1 / r1);
    Tensor bend = mix(slope, 1 / (r0 + r1), older, -1 / (r0 + r1));
    float ofBend = -to.alpha * ((decay - 1 + way) / (way * way) - 0.5f);
    if (method.stochastic()) {
      ofBend = to.alpha * ((1 - decay - way) / (way * way) - 0.5f);
    }
    return Term.sum(
        new Term(1, y), new Term(ofSlope, mix(slope, 1, bend, r0)), new Term(ofBend, bend));
  }

  /** The standard deviation of the noise that a stochastic step adds. */
  private float noiseFactor(int index) {
    float h = levels[index + 1].lambda - levels[index].lambda;
    return levels[index + 1].sigma * (float) Math.sqrt(1 - (float) Math.exp(-2 * h));
  }
}
