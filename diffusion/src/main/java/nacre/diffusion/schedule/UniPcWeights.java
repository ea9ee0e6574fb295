package nacre.diffusion.schedule;

/** The factors of UniPC's predictor and corrector between two noise levels (Zhao et al., 2023). */
final class UniPcWeights {
  private final int order;
  private final double ofSample;
  private final double ofEstimate;
  private final double ofDifferences;

  /** Positions of the older estimates in units of the step, then 1 for where it leads. */
  private final double[] ratios;

  private final double[] right;

  /**
   * @param older the noise levels of the estimates before {@code from}, the newest first
   */
  UniPcWeights(UniPcConfig method, NoiseLevel from, NoiseLevel to, NoiseLevel... older) {
    order = older.length + 1;
    double h = to.lambda() - from.lambda();
    boolean clean = method.predictsClean();
    double along = clean ? -h : h;
    double phi = Math.expm1(along);
    double scale = clean ? to.alpha() : to.sigma();
    ofSample = clean ? (double) to.sigma() / from.sigma() : (double) to.alpha() / from.alpha();
    ofEstimate = -scale * phi;
    double b = method.firstKind() ? along : phi;
    // The last step to no noise is infinitely long; of the first order, which has no differences.
    ofDifferences = Double.isInfinite(along) ? 0 : -scale * b;
    ratios = new double[order];
    for (int i = 0; i < older.length; i++) {
      ratios[i] = (older[i].lambda() - from.lambda()) / h;
    }
    ratios[order - 1] = 1;
    right = new double[order];
    double phiK = phi / along - 1;
    double factorial = 1;
    for (int i = 0; i < order; i++) {
      right[i] = phiK * factorial / b;
      factorial *= i + 2;
      phiK = phiK / along - 1 / factorial;
    }
  }

  /** Of the sample that the step goes from. */
  double ofSample() {
    return ofSample;
  }

  /** Of the estimate there. */
  double ofEstimate() {
    return ofEstimate;
  }

  /** Of the sum of weighted differences to it. */
  double ofDifferences() {
    return ofDifferences;
  }

  /** The position of the {@code i}-th older estimate, from 1, in units of the step. */
  double ratio(int i) {
    return ratios[i - 1];
  }

  /** The weights of the older differences when predicting. */
  double[] predictor() {
    return order == 2 ? new double[] {0.5} : solve(order - 1);
  }

  /** The weights of the older differences when correcting, then that of the new one. */
  double[] corrector() {
    return order == 1 ? new double[] {0.5} : solve(order);
  }

  /** The solution of ∑ ratioⱼⁱ · xⱼ = rightᵢ by Gaussian elimination with pivots. */
  private double[] solve(int n) {
    double[][] rows = new double[n][n + 1];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        rows[i][j] = Math.pow(ratios[j], i);
      }
      rows[i][n] = right[i];
    }
    for (int column = 0; column < n; column++) {
      int pivot = column;
      for (int i = column + 1; i < n; i++) {
        if (Math.abs(rows[i][column]) > Math.abs(rows[pivot][column])) {
          pivot = i;
        }
      }
      double[] swapped = rows[pivot];
      rows[pivot] = rows[column];
      rows[column] = swapped;
      for (int i = 0; i < n; i++) {
        double factor = i == column ? 0 : rows[i][column] / swapped[column];
        for (int j = column; j <= n && factor != 0; j++) {
          rows[i][j] -= factor * swapped[j];
        }
      }
    }
    double[] x = new double[n];
    for (int i = 0; i < n; i++) {
      x[i] = rows[i][n] / rows[i][i];
    }
    return x;
  }
}
