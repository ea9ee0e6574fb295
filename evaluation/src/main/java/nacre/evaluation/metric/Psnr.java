package nacre.evaluation.metric;

/**
 * The peak signal-to-noise ratio of each picture in dB, {@code 10 log₁₀(R² / MSE)} over all pixels
 * and channels. It ends at ±{@link #MOST}, so that means stay finite.
 *
 * @param range what R is
 */
public record Psnr(Range range) implements Metric {
  /** The value of equal pictures in dB; less than its negative there is not, either. */
  public static final double MOST = 100;

  /** The peak of the signal. */
  public enum Range {
    /** 1, the range that pictures may have. */
    ONE("PSNR"),

    /**
     * The true picture's largest value less its smallest, as torchmetrics took it where no range
     * was given, and so 3DIT's evaluation: lower than with {@link #ONE} on dull crops.
     */
    TRUTH("PSNR (range of the truth)");

    private final String title;

    Range(String title) {
      this.title = title;
    }
  }

  /** With R = 1. */
  public Psnr() {
    this(Range.ONE);
  }

  @Override
  public String name() {
    return range.title;
  }

  @Override
  public boolean higherIsBetter() {
    return true;
  }

  @Override
  public double[] of(float[] pictures, float[] truths, int count, int height, int width) {
    Pictures.check(name(), pictures, truths, count, height, width);
    int length = height * width * Pictures.CHANNELS;
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      double squares = 0;
      for (int k = i * length; k < (i + 1) * length; k++) {
        double difference = (double) pictures[k] - truths[k];
        squares += difference * difference;
      }
      double peak = range == Range.ONE ? 1 : Pictures.spread(truths, i, length);
      double ratio = 10 * Math.log10(peak * peak / (squares / length));
      values[i] = squares == 0 ? MOST : Math.clamp(ratio, -MOST, MOST);
    }
    return values;
  }
}
