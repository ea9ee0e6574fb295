package nacre.tensor.cpu;

import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.MatrixEngine;

/**
 * Layer normalization, by the library where it has code for the type. It keeps the variance where
 * the contract wants its inverse root, and gamma and beta in f32. Both are few beside the elements:
 * converting them costs little.
 */
final class LayerNorms {
  private final MatrixEngine engine;
  private final RowNormKernels plain;
  private final Elementwise elementwise;

  /** {@code engine} is null where the library did not load. */
  LayerNorms(MatrixEngine engine, RowNormKernels plain, Elementwise elementwise) {
    this.engine = engine;
    this.plain = plain;
    this.elementwise = elementwise;
  }

  private boolean served(Tensor x) {
    return engine != null && engine.supports(x.dtype()) && x.elements() > 0;
  }

  void forward(
      Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd) {
    if (!served(x)) {
      plain.layerNorm(x, gamma, beta, eps, y, mean, rstd);
      return;
    }
    try (Scope _ = Scope.open()) {
      engine.layerNorm(x, wide(gamma), wide(beta), eps, y, mean, rstd);
    }
    plain.inverseRoot(rstd, eps, rstd);
  }

  void backward(
      Tensor x,
      Tensor gamma,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    if (!served(x)) {
      plain.layerNormBackward(x, gamma, mean, rstd, dy, dx, dgamma, dbeta);
      return;
    }
    try (Scope _ = Scope.open()) {
      // With an epsilon of zero there, 1 / rstd² stands for the variance and the epsilon.
      Tensor variance = rstd.like();
      plain.inverseSquare(rstd, variance);
      Tensor g = wide(gamma);
      boolean narrow = g != gamma;
      Tensor dg = narrow ? g.like() : dgamma;
      Tensor db = narrow ? g.like() : dbeta;
      engine.layerNormBackward(x, g, mean, variance, 0, dy, dx, dg, db);
      if (narrow) {
        elementwise.cast(dg, dgamma);
        elementwise.cast(db, dbeta);
      }
    }
  }

  private Tensor wide(Tensor t) {
    if (t.dtype() == DType.F32) {
      return t;
    }
    Tensor f32 = Tensor.empty(t.device(), DType.F32, t.shape());
    elementwise.cast(t, f32);
    return f32;
  }
}
