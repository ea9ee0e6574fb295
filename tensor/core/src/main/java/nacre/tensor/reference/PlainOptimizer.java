package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import java.util.List;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;

/** What happens to parameters after the backward pass. */
final class PlainOptimizer {
  private PlainOptimizer() {}

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
      AdamWTensors tensors, Tensor squaredNorm, Tensor learningRate, AdamWConstants c) {
    double clip = 1;
    if (squaredNorm != null) {
      clip = Math.min(1, c.maxNorm() / (Math.sqrt(read(squaredNorm)[0]) + 1e-6));
    }
    double rate = read(learningRate)[0] * c.rateFactor();
    for (int i = 0; i < tensors.parameters().size(); i++) {
      one(tensors, i, clip, rate, c);
    }
  }

  private static void one(
      AdamWTensors tensors, int index, double clip, double rate, AdamWConstants c) {
    Tensor parameter = tensors.parameters().get(index);
    Tensor m = tensors.m().get(index);
    Tensor v = tensors.v().get(index);
    Tensor steps = tensors.steps().get(index);
    double step = read(steps)[0] + 1;
    write(new double[] {step}, steps);
    double[] p = read(parameter);
    double[] g = read(tensors.gradients().get(index));
    double[] first = read(m);
    double[] second = read(v);
    double correction1 = 1 - Math.pow(c.beta1(), step);
    double correction2 = 1 - Math.pow(c.beta2(), step);
    for (int i = 0; i < p.length; i++) {
      double clipped = g[i] * clip;
      first[i] = c.beta1() * first[i] + (1 - c.beta1()) * clipped;
      second[i] = c.beta2() * second[i] + (1 - c.beta2()) * clipped * clipped;
      double direction = first[i] / correction1 / (Math.sqrt(second[i] / correction2) + c.eps());
      p[i] -= rate * (c.weightDecay() * p[i] + direction);
    }
    write(p, parameter);
    write(first, m);
    write(second, v);
  }

  static void lerp(List<Tensor> y, List<Tensor> x, Tensor weight) {
    double w = read(weight)[0];
    for (int n = 0; n < y.size(); n++) {
      double[] to = read(y.get(n));
      double[] from = read(x.get(n));
      for (int i = 0; i < to.length; i++) {
        to[i] += w * (from[i] - to[i]);
      }
      write(to, y.get(n));
    }
  }
}
