package nacre.evaluation.metric;

/**
 * The structural similarity of each picture (Wang et al., 2004): in each channel the means,
 * variances and covariance under a window, {@code (2μₐμᵦ + C₁)(2σₐᵦ + C₂) / ((μₐ² + μᵦ² + C₁)(σₐ² +
 * σᵦ² + C₂))} with C₁ = (0.01 R)², C₂ = (0.03 R)², averaged over places and channels. What its
 * implementations do differently is its {@link Variant}: on small pictures they differ in the
 * second decimal.
 *
 * @param variant whose SSIM
 * @param range what R is
 */
public record Ssim(Variant variant, Range range) implements Metric {
  private static final double K1 = 0.01;
  private static final double K2 = 0.03;

  /** Whose SSIM: windows, borders and variances. */
  public enum Variant {
    /**
     * torchmetrics with its defaults: a Gaussian window of 11 × 11, pictures reflected at their
     * borders, every pixel counted.
     */
    TORCHMETRICS("torchmetrics", Window.gaussian(), true, 1),

    /** TensorFlow's {@code tf.image.ssim}: a Gaussian window of 11 × 11 where it fits. */
    TENSORFLOW("TensorFlow", Window.gaussian(), false, 1),

    /** scikit-image with its defaults: a uniform window of 7 × 7, variances of samples (n − 1). */
    SCIKIT_IMAGE("scikit-image", Window.uniform(7), false, 49.0 / 48),

    /**
     * scikit-image with {@code gaussian_weights=True}: 11 × 11, and n / (n − 1) of a uniform window
     * of this size.
     */
    SCIKIT_IMAGE_GAUSSIAN("scikit-image, Gaussian", Window.gaussian(), false, 121.0 / 120),

    /**
     * scikit-image with {@code gaussian_weights=True, use_sample_covariance=False}, as it says to
     * match the authors: what TensorFlow computes.
     */
    SCIKIT_IMAGE_POPULATION(
        "scikit-image, Gaussian, population covariance", Window.gaussian(), false, 1);

    private final String title;
    private final double[] window;
    private final boolean reflect;
    private final double correction;

    Variant(String title, double[] window, boolean reflect, double correction) {
      this.title = title;
      this.window = window;
      this.reflect = reflect;
      this.correction = correction;
    }

    /** The least side of pictures that have an SSIM, in pixels. */
    public int least() {
      return reflect ? window.length / 2 + 1 : window.length;
    }
  }

  /** R, the range of the values. */
  public enum Range {
    /** 1, the range that pictures may have. */
    ONE(""),

    /**
     * The larger of the ranges of the picture and of the truth, as torchmetrics takes it of a batch
     * where none is given; here of each pair.
     */
    LARGER(", range of the pictures");

    private final String title;

    Range(String title) {
      this.title = title;
    }
  }

  /** With R = 1. */
  public Ssim(Variant variant) {
    this(variant, Range.ONE);
  }

  @Override
  public String name() {
    return "SSIM (" + variant.title + range.title + ")";
  }

  @Override
  public boolean higherIsBetter() {
    return true;
  }

  @Override
  public double[] of(float[] pictures, float[] truths, int count, int height, int width) {
    Pictures.check(name(), pictures, truths, count, height, width);
    Pictures.atLeast(name(), variant.least(), height, width);
    int length = height * width * Pictures.CHANNELS;
    Window window = new Window(variant.window, variant.reflect, height, width);
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      double peak = peak(pictures, truths, i, length);
      for (int c = 0; c < Pictures.CHANNELS; c++) {
        double[] a = channel(pictures, i * length + c, height * width);
        double[] b = channel(truths, i * length + c, height * width);
        values[i] += similarity(window, a, b, peak) / Pictures.CHANNELS;
      }
    }
    return values;
  }

  private double peak(float[] pictures, float[] truths, int i, int length) {
    return range == Range.ONE
        ? 1
        : Math.max(Pictures.spread(pictures, i, length), Pictures.spread(truths, i, length));
  }

  private static double[] channel(float[] packed, int first, int pixels) {
    double[] plane = new double[pixels];
    for (int k = 0; k < pixels; k++) {
      plane[k] = packed[first + k * Pictures.CHANNELS];
    }
    return plane;
  }

  /** Of two planes, averaged over the window's places. */
  private double similarity(Window window, double[] a, double[] b, double peak) {
    double c1 = Math.pow(K1 * peak, 2);
    double c2 = Math.pow(K2 * peak, 2);
    double[] ma = window.means(a);
    double[] mb = window.means(b);
    double[] aa = window.means(product(a, a));
    double[] bb = window.means(product(b, b));
    double[] ab = window.means(product(a, b));
    double sum = 0;
    for (int k = 0; k < ma.length; k++) {
      double va = variant.correction * Math.max(0, aa[k] - ma[k] * ma[k]);
      double vb = variant.correction * Math.max(0, bb[k] - mb[k] * mb[k]);
      double covariance = variant.correction * (ab[k] - ma[k] * mb[k]);
      sum +=
          (2 * ma[k] * mb[k] + c1)
              * (2 * covariance + c2)
              / ((ma[k] * ma[k] + mb[k] * mb[k] + c1) * (va + vb + c2));
    }
    return sum / ma.length;
  }

  private static double[] product(double[] a, double[] b) {
    double[] product = new double[a.length];
    for (int k = 0; k < a.length; k++) {
      product[k] = a[k] * b[k];
    }
    return product;
  }
}
