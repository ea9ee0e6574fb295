package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import java.util.List;
import nacre.tensor.Tensor;
import nacre.tensor.backend.AdamWStep;

/** What happens to parameters after the backward pass. */
final class PlainOptimiser {
  private PlainOptimiser() {}

  static void sumOfSquares(List<Tensor> tensors, Tensor y) {
    double sum = 0;
    for (Tensor tensor : tensors) {
      for (double v : read(tensor)) {
        sum += v * v;
      }
    }
    write(new double[] {sum}, y);
  }

  static void adamW(
      List<Tensor> parameters,
      List<Tensor> gradients,
      List<Tensor> m,
      List<Tensor> v,
      Tensor squaredNorm,
      AdamWStep step) {
    double clip = 1;
    if (squaredNorm != null) {
      clip = Math.min(1, step.maxNorm() / (Math.sqrt(read(squaredNorm)[0]) + 1e-6));
    }
    for (int i = 0; i < parameters.size(); i++) {
      one(parameters.get(i), gradients.get(i), m.get(i), v.get(i), clip, step);
    }
  }

  private static void one(
      Tensor parameter, Tensor gradient, Tensor m, Tensor v, double clip, AdamWStep step) {
    double[] p = read(parameter);
    double[] g = read(gradient);
    double[] first = read(m);
    double[] second = read(v);
    double correction1 = 1 - Math.pow(step.beta1(), step.step());
    double correction2 = 1 - Math.pow(step.beta2(), step.step());
    for (int i = 0; i < p.length; i++) {
      double clipped = g[i] * clip;
      first[i] = step.beta1() * first[i] + (1 - step.beta1()) * clipped;
      second[i] = step.beta2() * second[i] + (1 - step.beta2()) * clipped * clipped;
      double direction = first[i] / correction1 / (Math.sqrt(second[i] / correction2) + step.eps());
      p[i] -= step.learningRate() * (step.weightDecay() * p[i] + direction);
    }
    write(p, parameter);
    write(first, m);
    write(second, v);
  }

  static void lerp(List<Tensor> y, List<Tensor> x, double weight) {
    for (int n = 0; n < y.size(); n++) {
      double[] to = read(y.get(n));
      double[] from = read(x.get(n));
      for (int i = 0; i < to.length; i++) {
        to[i] += weight * (from[i] - to[i]);
      }
      write(to, y.get(n));
    }
  }
}
