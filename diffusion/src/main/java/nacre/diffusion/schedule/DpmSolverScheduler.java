package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * DPM-Solver and DPM-Solver++, multistep (Lu et al., "DPM-Solver++", 2022, algorithm 2 and its
 * stochastic variant), as diffusers' {@code DPMSolverMultistepScheduler}.
 */
public final class DpmSolverScheduler extends LevelScheduler {
  /** The number of steps from which on the last ones need not be of a lower order. */
  static final int MANY_STEPS = 15;

  private final DpmSolverConfig method;

  DpmSolverScheduler(NoiseSchedule schedule, DpmSolverConfig method, int steps) {
    LevelPath.Rules rules =
        new LevelPath.Rules(
            schedule.config().timestepSpacing(), method.lambdaMinClipped(), false, true);
    super(new LevelPath(schedule, method.sigmas(), rules, steps));
    this.method = method;
  }

  @Override
  public boolean isStochastic(int index) {
    return method.algorithm().stochastic();
  }

  @Override
  public History start(int index) {
    return new History(index, method.order());
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    try (Scope scope = Scope.open()) {
      Tensor[] estimates = new Tensor[order(index, history.before())];
      for (int ago = 0; ago < estimates.length; ago++) {
        estimates[ago] =
            method.estimate(path, index - ago, history.sample(ago), history.output(ago));
      }
      DpmAlgorithm.Factors factors =
          method.algorithm().factors(path.level(index), path.level(index + 1));
      Tensor y = advance(index, factors, sample, estimates);
      return scope.keep(isStochastic(index) ? mix(y, 1, noise, factors.ofNoise()) : y);
    }
  }

  /** The number of predictions that a step uses. */
  private int order(int index, int before) {
    int left = path.length() - 1 - index;
    boolean cautious = method.lowerOrderFinal() && path.length() < MANY_STEPS;
    boolean last =
        left == 0 && (method.eulerAtFinal() || cautious || !method.sigmas().endsAtLowest());
    int order = Math.min(method.order(), before + 1);
    if (last) {
      return 1;
    }
    return left == 1 && cautious ? Math.min(order, 2) : order;
  }

  /** The next sample from the estimates, the newest first, without the noise. */
  private Tensor advance(
      int index, DpmAlgorithm.Factors factors, Tensor sample, Tensor[] estimates) {
    Tensor y = mix(sample, factors.ofSample(), estimates[0], factors.ofEstimate());
    if (estimates.length == 1) {
      return y;
    }
    float h = lambda(index + 1) - lambda(index);
    float r0 = (lambda(index) - lambda(index - 1)) / h;
    Tensor slope = mix(estimates[0], 1 / r0, estimates[1], -1 / r0);
    if (estimates.length == 2) {
      return mix(y, 1, slope, method.heun() ? factors.ofSlope() : factors.ofHalfSlope());
    }
    float r1 = (lambda(index - 1) - lambda(index - 2)) / h;
    Tensor older = mix(estimates[1], 1 / r1, estimates[2], -1 / r1);
    Tensor bend = mix(slope, 1 / (r0 + r1), older, -1 / (r0 + r1));
    return WeightedTensor.sum(
        new WeightedTensor(1, y),
        new WeightedTensor(factors.ofSlope(), mix(slope, 1, bend, r0)),
        new WeightedTensor(factors.ofBend(), bend));
  }

  private float lambda(int index) {
    return path.level(index).lambda();
  }
}
