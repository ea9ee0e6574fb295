package nacre.evaluation.metric;

import java.util.Locale;

/**
 * The Fréchet distance of two Gaussians with the means and covariances of two sets of vectors,
 * {@code |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½)}, in f64.
 *
 * <p>The trace of the root is taken from the eigenvalues of {@code Lᵀ Σ₂ L} with {@code L Lᵀ = Σ₁},
 * which are those of {@code Σ₁ Σ₂}, but of a symmetric matrix: none can be complex, and covariances
 * of fewer vectors than dimensions, for which others have to add {@code 1e-6 · I} where their root
 * is not finite, are like any other.
 */
final class FrechetDistance {
  private FrechetDistance() {}

  /**
   * Computes it.
   *
   * @throws IllegalStateException if there are fewer than two vectors in a set
   */
  static double of(FeatureSums one, FeatureSums other) {
    if (Math.min(one.count(), other.count()) < 2) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "the Fréchet distance wants two pictures in each set at least, there are %d and %d",
              one.count(),
              other.count()));
    }
    if (one.count() > other.count()) {
      return of(other, one); // the root of fewer vectors is narrower
    }
    double distance = 0;
    double[] a = one.mean();
    double[] b = other.mean();
    double[][] first = one.covariance();
    double[][] second = other.covariance();
    for (int i = 0; i < a.length; i++) {
      distance += (a[i] - b[i]) * (a[i] - b[i]) + first[i][i] + second[i][i];
    }
    double[][] root = SymmetricMatrix.root(first);
    if (root[0].length == 0) {
      return distance; // all vectors of a set are equal
    }
    for (double value : SymmetricMatrix.eigenvalues(SymmetricMatrix.sandwich(second, root))) {
      distance -= 2 * Math.sqrt(Math.max(0, value));
    }
    return distance;
  }
}
