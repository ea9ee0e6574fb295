package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import nacre.tensor.Tensor;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;
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

  static void groupNorm(GroupNormInputs in, Tensor y, NormStatistics statistics) {
    Tensor x = in.x();
    LayerNormInputs operands = new LayerNormInputs(x, in.gamma(), in.beta(), in.eps());
    forward(operands, groupSets(x, in.groups()), in.silu(), y, statistics);
  }

  static void groupNormStatistics(Tensor x, int groups, double eps, NormStatistics statistics) {
    Moments moments = moments(x, groupSets(x, groups), eps, statistics);
    write(moments.mean, statistics.mean());
    write(moments.rstd, statistics.rstd());
  }

  static void groupNormApply(GroupNormInputs in, NormStatistics statistics, Tensor y) {
    Tensor x = in.x();
    LayerNormInputs operands = new LayerNormInputs(x, in.gamma(), in.beta(), in.eps());
    Moments moments = new Moments(read(statistics.mean()), read(statistics.rstd()));
    apply(operands, groupSets(x, in.groups()), in.silu(), moments, y);
  }

  static void groupNormBackward(
      GroupNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    double[] shift = in.silu() ? read(in.beta()) : null;
    Tensor x = in.x();
    backward(x, groupSets(x, in.groups()), in.gamma(), shift, statistics, dy, out);
  }

  static void layerNorm(LayerNormInputs in, Tensor y, NormStatistics statistics) {
    forward(in, rowSets(in.x()), false, y, statistics);
  }

  static void layerNormBackward(
      LayerNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    backward(in.x(), rowSets(in.x()), in.gamma(), null, statistics, dy, out);
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
      LayerNormInputs in, Sets sets, boolean silu, Tensor y, NormStatistics statistics) {
    Moments moments = moments(in.x(), sets, in.eps(), statistics);
    apply(in, sets, silu, moments, y);
    write(moments.mean, statistics.mean());
    write(moments.rstd, statistics.rstd());
  }

  private record Moments(double[] mean, double[] rstd) {}

  private static Moments moments(Tensor x, Sets sets, double eps, NormStatistics statistics) {
    double[] v = read(x);
    double[] m = new double[(int) statistics.mean().elements()];
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
    return new Moments(m, r);
  }

  private static void apply(
      LayerNormInputs in, Sets sets, boolean silu, Moments moments, Tensor y) {
    int c = in.x().dim(-1);
    double[] v = read(in.x());
    double[] m = moments.mean;
    double[] r = moments.rstd;
    double[] scale = read(in.gamma());
    double[] shift = read(in.beta());
    for (int i = 0; i < v.length; i++) {
      double z = (v[i] - m[sets.of(i)]) * r[sets.of(i)] * scale[i % c] + shift[i % c];
      v[i] = silu ? Functions.value(Unary.SILU, z) : z;
    }
    write(v, y);
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
      NormStatistics statistics,
      Tensor dy,
      NormGradients gradients) {
    int c = x.dim(-1);
    double[] normal = read(x);
    double[] scale = read(gamma);
    double[] m = read(statistics.mean());
    double[] r = read(statistics.rstd());
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
    write(out, gradients.dx());
    write(dscale, gradients.dgamma());
    write(dshift, gradients.dbeta());
  }
}
