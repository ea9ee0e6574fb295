package nacre.neuralassets.evaluation;

/**
 * The similarity of two images within a mask. Images are [size, size, 3] in [0, 1].
 *
 * @param psnr peak signal-to-noise ratio in dB, at most 50
 * @param ssim structural similarity (Wang et al., 2004), 1 for equal pictures
 */
public record Similarity(double psnr, double ssim) {
  /** The least squared error that counts, so that the PSNR of equal images is finite. */
  private static final double LEAST_ERROR = 1e-5;

  private static final int RADIUS = 5;
  private static final double[] WINDOW = window();
  private static final double C1 = 0.01 * 0.01;
  private static final double C2 = 0.03 * 0.03;

  /** 11 weights of a Gaussian of σ = 1.5. */
  private static double[] window() {
    double[] window = new double[2 * RADIUS + 1];
    double sum = 0;
    for (int i = 0; i < window.length; i++) {
      window[i] = Math.exp(-(i - RADIUS) * (i - RADIUS) / (2 * 1.5 * 1.5));
      sum += window[i];
    }
    for (int i = 0; i < window.length; i++) {
      window[i] /= sum;
    }
    return window;
  }

  /**
   * Compares two images.
   *
   * @param mask which pixels count, at least one
   */
  public static Similarity of(double[] one, double[] other, boolean[] mask, int size) {
    double squares = 0;
    double similarity = 0;
    int pixels = 0;
    double[] map = ssimMap(one, other, size);
    for (int i = 0; i < mask.length; i++) {
      if (mask[i]) {
        pixels++;
        for (int c = 0; c < 3; c++) {
          double d = one[3 * i + c] - other[3 * i + c];
          squares += d * d;
          similarity += map[3 * i + c];
        }
      }
    }
    double error = Math.max(LEAST_ERROR, squares / (3 * pixels));
    return new Similarity(-10 * Math.log10(error), similarity / (3 * pixels));
  }

  /**
   * SSIM at every pixel and channel: means, variances and covariance under the window, whose
   * weights are renormalized where it reaches over the edge.
   */
  private static double[] ssimMap(double[] a, double[] b, int size) {
    double[] ma = blur(a, size);
    double[] mb = blur(b, size);
    double[] aa = blur(product(a, a), size);
    double[] bb = blur(product(b, b), size);
    double[] ab = blur(product(a, b), size);
    double[] map = new double[a.length];
    for (int i = 0; i < map.length; i++) {
      double va = aa[i] - ma[i] * ma[i];
      double vb = bb[i] - mb[i] * mb[i];
      double cov = ab[i] - ma[i] * mb[i];
      map[i] =
          (2 * ma[i] * mb[i] + C1)
              * (2 * cov + C2)
              / ((ma[i] * ma[i] + mb[i] * mb[i] + C1) * (va + vb + C2));
    }
    return map;
  }

  private static double[] product(double[] a, double[] b) {
    double[] product = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      product[i] = a[i] * b[i];
    }
    return product;
  }

  private static double[] blur(double[] image, int size) {
    return along(along(image, size, 3, 3 * size), size, 3 * size, 3);
  }

  /** Weighted means along one axis of [size, size, 3]. */
  private static double[] along(double[] image, int size, int step, int across) {
    double[] out = new double[image.length];
    for (int line = 0; line < size; line++) {
      for (int at = 0; at < size; at++) {
        int from = Math.max(0, at - RADIUS);
        int to = Math.min(size - 1, at + RADIUS);
        for (int c = 0; c < 3; c++) {
          double sum = 0;
          double weights = 0;
          for (int k = from; k <= to; k++) {
            double w = WINDOW[k - at + RADIUS];
            sum += w * image[line * across + k * step + c];
            weights += w;
          }
          out[line * across + at * step + c] = sum / weights;
        }
      }
    }
    return out;
  }
}
