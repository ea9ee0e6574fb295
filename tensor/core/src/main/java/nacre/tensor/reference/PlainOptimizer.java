package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import java.util.Arrays;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.DynamicCode;
import nacre.tensor.spi.RoundingNoise;

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
    if (!tensors.averages().isEmpty()) {
      lerp(tensors.averages(), tensors.parameters(), tensors.averageWeight());
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
    if (!tensors.compensations().isEmpty()) {
      double[] rest = read(tensors.compensations().get(index));
      Arrays.setAll(p, i -> p[i] + rest[i]);
    }
    double[] g = read(tensors.gradients().get(index));
    double[] first = widen(m, tensors.mScales(), index, DynamicCode.SIGNED);
    double[] second = widen(v, tensors.vScales(), index, DynamicCode.UNSIGNED);
    double correction1 = 1 - Math.pow(c.beta1(), step);
    double correction2 = 1 - Math.pow(c.beta2(), step);
    for (int i = 0; i < p.length; i++) {
      double clipped = g[i] * clip;
      first[i] = c.beta1() * first[i] + (1 - c.beta1()) * clipped;
      second[i] = c.beta2() * second[i] + (1 - c.beta2()) * clipped * clipped;
      double direction = first[i] / correction1 / (Math.sqrt(second[i] / correction2) + c.eps());
      p[i] -= rate * (c.weightDecay() * p[i] + direction);
    }
    int key = RoundingNoise.key(c.seed(), index, (int) step);
    if (!tensors.compensations().isEmpty()) {
      double[] exact = p.clone();
      write(p, parameter);
      double[] rounded = read(parameter);
      Arrays.setAll(exact, i -> exact[i] - rounded[i]);
      write(exact, tensors.compensations().get(index));
    } else if (parameter.dtype() == DType.BF16) {
      round(p, RoundingNoise.others(key), 0);
      write(p, parameter);
    } else {
      write(p, parameter);
    }
    narrow(first, m, tensors.mScales(), index, DynamicCode.SIGNED, key, 0);
    narrow(second, v, tensors.vScales(), index, DynamicCode.UNSIGNED, key, 16);
  }

  private static double[] widen(Tensor moment, List<Tensor> scales, int index, DynamicCode code) {
    double[] values = read(moment);
    if (moment.dtype() == DType.U8) {
      double[] scale = read(scales.get(index));
      for (int i = 0; i < values.length; i++) {
        values[i] = code.decode((int) values[i]) * scale[i / DynamicCode.BLOCK];
      }
    }
    return values;
  }

  private static void narrow(
      double[] values,
      Tensor moment,
      List<Tensor> scales,
      int index,
      DynamicCode code,
      int key,
      int shift) {
    if (moment.dtype() == DType.BF16) {
      round(values, key, shift);
    } else if (moment.dtype() == DType.U8) {
      double[] scale = new double[DynamicCode.blocks(values.length)];
      for (int i = 0; i < values.length; i++) {
        int block = i / DynamicCode.BLOCK;
        scale[block] = Math.max(scale[block], Math.abs((float) values[i]));
      }
      for (int i = 0; i < values.length; i++) {
        double largest = scale[i / DynamicCode.BLOCK];
        values[i] = code.encode(largest == 0 ? 0 : (float) (values[i] / largest));
      }
      write(scale, scales.get(index));
    }
    write(values, moment);
  }

  private static void round(double[] values, int key, int shift) {
    for (int i = 0; i < values.length; i++) {
      int bits = RoundingNoise.bits(key, i) >>> shift;
      values[i] = RoundingNoise.toBf16((float) values[i], bits);
    }
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
