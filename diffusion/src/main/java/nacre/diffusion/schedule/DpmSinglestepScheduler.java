package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * DPM-Solver and DPM-Solver++, single-step (Lu et al., "DPM-Solver++", 2022, algorithm 1), as
 * diffusers' {@code DPMSolverSinglestepScheduler}: steps of rising order go from one sample, then
 * the next ones start from where they led.
 */
public final class DpmSinglestepScheduler extends LevelScheduler {
  private final DpmSolverConfig method;
  private final int[] orders;

  DpmSinglestepScheduler(NoiseSchedule schedule, DpmSolverConfig method, int steps) {
    LevelPath.Rules rules =
        new LevelPath.Rules(TimestepSpacing.LINSPACE, method.lambdaMinClipped(), false, false);
    super(new LevelPath(schedule, method.sigmas(), rules, steps));
    this.method = method;
    this.orders = orders(steps);
  }

  /** The order of each step: 1, 2, 3, 1, 2, 3 and lower ones at the end. */
  private int[] orders(int steps) {
    int order = method.order();
    boolean zero = !method.sigmas().endsAtLowest();
    boolean lower = method.lowerOrderFinal() || steps % order != 0 || zero;
    int[] each = new int[steps];
    for (int i = 0; i < steps; i++) {
      each[i] = i % order + 1;
    }
    if (lower && order > 1) {
      each[steps - 1] = 1;
      if (order == 3 && steps % 3 == 2) {
        each[steps - 1] = 2;
      }
    }
    if (zero) {
      each[steps - 1] = 1;
    }
    return each;
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
    int order = Math.min(orders[index], history.before() + 1);
    try (Scope scope = Scope.open()) {
      Tensor[] estimates = new Tensor[order];
      for (int ago = 0; ago < order; ago++) {
        estimates[ago] =
            method.estimate(path, index - ago, history.sample(ago), history.output(ago));
      }
      int first = index - (order - 1);
      DpmAlgorithm.Factors factors =
          method.algorithm().factors(path.level(first), path.level(index + 1));
      Tensor y = advance(index, factors, history.sample(order - 1), estimates);
      return scope.keep(isStochastic(index) ? mix(y, 1, noise, factors.ofNoise()) : y);
    }
  }

  /** The next sample from the first one and the estimates, the newest first. */
  private Tensor advance(
      int index, DpmAlgorithm.Factors factors, Tensor first, Tensor[] estimates) {
    int order = estimates.length;
    Tensor oldest = estimates[order - 1];
    Tensor y = mix(first, factors.ofSample(), oldest, factors.ofEstimate());
    if (order == 1) {
      return y;
    }
    float start = lambda(index - (order - 1));
    float h = lambda(index + 1) - start;
    float r0 = (lambda(index) - start) / h;
    Tensor slope = mix(estimates[0], 1 / r0, oldest, -1 / r0);
    if (order == 2) {
      return mix(y, 1, slope, method.heun() ? factors.ofSlope() : factors.ofHalfSlope());
    }
    if (!method.heun()) {
      return mix(y, 1, slope, factors.ofSlope());
    }
    float r1 = (lambda(index - 1) - start) / h;
    Tensor nearer = mix(estimates[1], 1 / r1, oldest, -1 / r1);
    Tensor tangent = mix(nearer, r0 / (r0 - r1), slope, -r1 / (r0 - r1));
    Tensor bend = mix(slope, 2 / (r0 - r1), nearer, -2 / (r0 - r1));
    return WeightedTensor.sum(
        new WeightedTensor(1, y),
        new WeightedTensor(factors.ofSlope(), tangent),
        new WeightedTensor(factors.ofBend(), bend));
  }

  private float lambda(int index) {
    return path.level(index).lambda();
  }
}
