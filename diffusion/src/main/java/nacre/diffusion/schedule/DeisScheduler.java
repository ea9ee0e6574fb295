package nacre.diffusion.schedule;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Diffusion exponential integrator sampler, multistep, with polynomials in log ρ of ρ = σ / α
 * (Zhang and Chen, 2023, log-ρ variant), as diffusers' {@code DEISMultistepScheduler}.
 */
public final class DeisScheduler extends LevelScheduler {
  private final DeisConfig method;

  DeisScheduler(NoiseSchedule schedule, DeisConfig method, int steps) {
    LevelPath.Rules rules =
        new LevelPath.Rules(
            schedule.config().timestepSpacing(), Double.NEGATIVE_INFINITY, true, false);
    super(new LevelPath(schedule, method.sigmas(), rules, steps));
    this.method = method;
  }

  @Override
  public History start(int index) {
    return new History(index, method.order());
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    int order = order(index, history.before());
    NoiseLevel from = path.level(index);
    NoiseLevel to = path.level(index + 1);
    double ratio = (double) to.alpha() / from.alpha();
    try (Scope scope = Scope.open()) {
      WeightedTensor[] terms = new WeightedTensor[order];
      for (int ago = 0; ago < order; ago++) {
        Tensor predicted =
            path.noise(index - ago, method.clipping(), history.sample(ago), history.output(ago));
        terms[ago] = new WeightedTensor(to.alpha() * weight(index, order, ago), predicted);
      }
      return scope.keep(WeightedTensor.sum(new WeightedTensor(ratio, sample), terms));
    }
  }

  /** The number of predictions that a step uses. */
  private int order(int index, int before) {
    int left = path.length() - 1 - index;
    boolean cautious = method.lowerOrderFinal() && path.length() < DpmSolverScheduler.MANY_STEPS;
    int order = Math.min(method.order(), before + 1);
    return cautious ? Math.min(order, left + 1) : order;
  }

  /** The integral over ρ of a prediction's Lagrange polynomial in log ρ. */
  private double weight(int index, int order, int ago) {
    double[] nodes = new double[order - 1];
    double divisor = 1;
    for (int i = 0, other = 0; other < order; other++) {
      if (other != ago) {
        nodes[i++] = Math.log(rho(index - other));
        divisor *= Math.log(rho(index - ago)) - Math.log(rho(index - other));
      }
    }
    return (integral(rho(index + 1), nodes) - integral(rho(index), nodes)) / divisor;
  }

  /** The antiderivative of ∏ (log ρ − node), for up to two nodes. */
  private static double integral(double rho, double[] nodes) {
    double log = Math.log(rho);
    return switch (nodes.length) {
      case 0 -> rho;
      case 1 -> rho * (log - 1 - nodes[0]);
      default ->
          rho * (log * log - 2 * log + 2 - (nodes[0] + nodes[1]) * (log - 1) + nodes[0] * nodes[1]);
    };
  }

  private double rho(int index) {
    NoiseLevel level = path.level(index);
    return (double) level.sigma() / level.alpha();
  }
}
