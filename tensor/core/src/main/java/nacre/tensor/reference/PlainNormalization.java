package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/**
 * Group and layer normalization. Both cut x into sets of elements that share a mean; they differ in
 * which set an element is in.
 */
final class PlainNormalization {
  /** The set of element i of x. */
  private interface Sets {
    int of(int i);
  }

  private PlainNormalization() {}

  static void groupNorm(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      int groups,
      double eps,
      boolean silu,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    forward(x, groupSets(x, groups), gamma, beta, eps, silu, y, mean, rstd);
  }

  static void groupNormBackward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      int groups,
      boolean silu,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    double[] shift = silu ? read(beta) : null;
    backward(x, groupSets(x, groups), gamma, shift, mean, rstd, dy, dx, dgamma, dbeta);
  }

  static void layerNorm(
      Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd) {
    forward(x, rowSets(x), gamma, beta, eps, false, y, mean, rstd);
  }

  static void layerNormBackward(
      Tensor x,
      Tensor gamma,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    backward(x, rowSets(x), gamma, null, mean, rstd, dy, dx, dgamma, dbeta);
  }

  private static Sets groupSets(Tensor x, int groups) {
    int c = x.dim(-1);
    int image = (int) (x.elements() / x.dim(0));
    return i -> i / image * groups + i % c / (c / groups);
  }

  private static Sets rowSets(Tensor x) {
    int c = x.dim(-1);
    return i -> i / c;
  }

  private static void forward(
      Tensor x,
      Sets sets,
      Tensor gamma,
      Tensor beta,
      double eps,
      boolean silu,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    int c = x.dim(-1);
    double[] v = read(x);
    double[] scale = read(gamma);
    double[] shift = read(beta);
    double[] m = new double[(int) mean.elements()];
    double count = (double) v.length / m.length;
    for (int i = 0; i < v.length; i++) {
      m[sets.of(i)] += v[i] / count;
    }
    double[] r = new double[m.length];
    for (int i = 0; i < v.length; i++) {
      double off = v[i] - m[sets.of(i)];
      r[sets.of(i)] += off * off / count;
    }
    for (int i = 0; i < r.length; i++) {
      r[i] = 1 / Math.sqrt(r[i] + eps);
    }
    for (int i = 0; i < v.length; i++) {
      double z = (v[i] - m[sets.of(i)]) * r[sets.of(i)] * scale[i % c] + shift[i % c];
      v[i] = silu ? Functions.value(Unary.SILU, z) : z;
    }
    write(v, y);
    write(m, mean);
    write(r, rstd);
  }

  /**
   * With x̂ the normalized x, dẑ = dy (through SiLU if {@code siluShift}, which is beta, is given)
   * and g = dẑ · gamma: dx = rstd · (g − mean(g) − x̂ · mean(g · x̂)), means over the set.
   */
  private static void backward(
      Tensor x,
      Sets sets,
      Tensor gamma,
      double[] siluShift,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    int c = x.dim(-1);
    double[] normal = read(x);
    double[] scale = read(gamma);
    double[] m = read(mean);
    double[] r = read(rstd);
    double[] dz = read(dy);
    double count = (double) normal.length / m.length;
    double[] dscale = new double[c];
    double[] dshift = new double[c];
    double[] meanG = new double[m.length];
    double[] meanGx = new double[m.length];
    for (int i = 0; i < normal.length; i++) {
      int set = sets.of(i);
      int channel = i % c;
      normal[i] = (normal[i] - m[set]) * r[set];
      if (siluShift != null) {
        double z = normal[i] * scale[channel] + siluShift[channel];
        dz[i] *= Functions.derivative(Unary.SILU, z);
      }
      dscale[channel] += dz[i] * normal[i];
      dshift[channel] += dz[i];
      meanG[set] += dz[i] * scale[channel] / count;
      meanGx[set] += dz[i] * scale[channel] * normal[i] / count;
    }
    double[] out = new double[normal.length];
    for (int i = 0; i < normal.length; i++) {
      int set = sets.of(i);
      out[i] = r[set] * (dz[i] * scale[i % c] - meanG[set] - normal[i] * meanGx[set]);
    }
    write(out, dx);
    write(dscale, dgamma);
    write(dshift, dbeta);
  }
}
