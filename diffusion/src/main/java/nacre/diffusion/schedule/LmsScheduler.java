package nacre.diffusion.schedule;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Linear multistep along the noise levels σ, as diffusers' {@code LMSDiscreteScheduler}: the slopes
 * of up to four steps are interpolated by a polynomial, which is integrated over the step (Adams
 * and Bashforth's method for uneven steps).
 */
public final class LmsScheduler extends SigmaScheduler {
  private static final int ORDER = 4;

  LmsScheduler(NoiseSchedule schedule, LmsConfig method, int steps) {
    super(SigmaPath.of(schedule, method.sigmas(), steps, false));
  }

  @Override
  public History start(int index) {
    return new History(index, ORDER);
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    // As diffusers: the order counts steps before the first one of image to image, too, though
    // their slopes are not there and count for nothing.
    int order = Math.min(index + 1, ORDER);
    int known = Math.min(history.before() + 1, order);
    WeightedTensor[] terms = new WeightedTensor[2 * known];
    for (int ago = 0; ago < known; ago++) {
      OutputConversion conversion = path.conversion(path.sigma(index - ago));
      double weight = weight(index, order, ago);
      terms[2 * ago] = new WeightedTensor(weight * conversion.noiseOfSample(), history.sample(ago));
      terms[2 * ago + 1] =
          new WeightedTensor(weight * conversion.noiseOfOutput(), history.output(ago));
    }
    try (Scope scope = Scope.open()) {
      return scope.keep(WeightedTensor.sum(new WeightedTensor(1, sample), terms));
    }
  }

  /** The integral of a slope's Lagrange polynomial over the step, exact by Simpson's rule. */
  private double weight(int index, int order, int ago) {
    double from = path.sigma(index);
    double to = path.sigma(index + 1);
    double middle = lagrange(index, order, ago, (from + to) / 2);
    double ends = lagrange(index, order, ago, from) + lagrange(index, order, ago, to);
    return (to - from) / 6 * (ends + 4 * middle);
  }

  private double lagrange(int index, int order, int ago, double sigma) {
    double product = 1;
    for (int other = 0; other < order; other++) {
      if (other != ago) {
        double node = path.sigma(index - other);
        product *= (sigma - node) / (path.sigma(index - ago) - node);
      }
    }
    return product;
  }
}
