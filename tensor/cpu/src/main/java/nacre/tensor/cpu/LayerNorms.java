package nacre.tensor.cpu;

import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;

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

  void forward(LayerNormInputs in, Tensor y, NormStatistics statistics) {
    if (!served(in.x())) {
      plain.layerNorm(in, y, statistics);
      return;
    }
    Tensor rstd = statistics.rstd();
    try (Scope _ = Scope.open()) {
      engine.layerNorm(
          in.x(), wide(in.gamma()), wide(in.beta()), in.eps(), y, statistics.mean(), rstd);
    }
    plain.inverseRoot(rstd, in.eps(), rstd);
  }

  void backward(LayerNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    if (!served(in.x())) {
      plain.layerNormBackward(in, statistics, dy, out);
      return;
    }
    try (Scope _ = Scope.open()) {
      // With an epsilon of zero there, 1 / rstd² stands for the variance and the epsilon.
      Tensor variance = statistics.rstd().like();
      plain.inverseSquare(statistics.rstd(), variance);
      Tensor g = wide(in.gamma());
      boolean narrow = g != in.gamma();
      Tensor dg = narrow ? g.like() : out.dgamma();
      Tensor db = narrow ? g.like() : out.dbeta();
      engine.layerNormBackward(in.x(), g, statistics.mean(), variance, 0, dy, out.dx(), dg, db);
      if (narrow) {
        elementwise.cast(dg, out.dgamma());
        elementwise.cast(db, out.dbeta());
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
