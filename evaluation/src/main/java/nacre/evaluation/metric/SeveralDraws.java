package nacre.evaluation.metric;

/**
 * What counts where several pictures are drawn for each case, with values {@code [draws][cases]} of
 * a metric: the mean of them, or the best. Best of k is the better the larger k is, and must not be
 * compared with a mean.
 */
public final class SeveralDraws {
  private SeveralDraws() {}

  /** The mean of each case's draws. */
  public static double[] mean(double[][] values) {
    double[] means = new double[values[0].length];
    for (double[] draw : values) {
      for (int i = 0; i < means.length; i++) {
        means[i] += draw[i] / values.length;
      }
    }
    return means;
  }

  /** Which draw of each case is the best, the first of equals. A value that is none never is. */
  public static int[] best(double[][] values, boolean higherIsBetter) {
    int[] best = new int[values[0].length];
    for (int i = 0; i < best.length; i++) {
      for (int k = 1; k < values.length; k++) {
        double value = values[k][i];
        double so = values[best[i]][i];
        if (Double.isNaN(so) || (higherIsBetter ? value > so : value < so)) {
          best[i] = k;
        }
      }
    }
    return best;
  }

  /** The values of chosen draws: of case i that of draw {@code chosen[i]}. */
  public static double[] of(double[][] values, int[] chosen) {
    double[] of = new double[chosen.length];
    for (int i = 0; i < of.length; i++) {
      of[i] = values[chosen[i]][i];
    }
    return of;
  }
}
