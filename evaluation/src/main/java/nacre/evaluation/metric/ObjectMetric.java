package nacre.evaluation.metric;

import java.util.List;
import java.util.Locale;

/**
 * A metric of objects instead of pictures: of the crops of their boxes in picture and truth, one
 * value a box. What is done with a crop's size is part of the {@link #name}.
 *
 * @param metric of crops
 * @param least sides of crops in pixels; those of smaller boxes take in what is around
 * @param side of the square to which crops are then resized, bilinear and antialiased; 0 where they
 *     stay as large as they are
 */
public record ObjectMetric(Metric metric, int least, int side) {
  /** As large as SSIM's window, so that PSNR and SSIM see the same pixels. */
  private static final int LEAST = 11;

  /** LPIPS was fitted on patches of this size. */
  private static final int PATCH = 64;

  /**
   * As is usual for a metric: PSNR and SSIM see crops as large as they are, of 11 pixels a side at
   * least, LPIPS sees them resized to 64 by 64, DINO to the size of its network.
   */
  public static ObjectMetric of(Metric metric) {
    return switch (metric) {
      case LpipsMetric lpips -> new ObjectMetric(lpips, 1, PATCH);
      case DinoSimilarity dino ->
          new ObjectMetric(
              new DinoSimilarity(
                  dino.device(),
                  dino.vit(),
                  dino.images(),
                  dino.tokens(),
                  DinoSimilarity.Fit.WHOLE),
              1,
              0);
      default -> new ObjectMetric(metric, LEAST, 0);
    };
  }

  /** As "PSNR, objects (boxes of 11 pixels at least)". */
  public String name() {
    String size =
        side > 0
            ? String.format(Locale.ROOT, "boxes resized to %d × %d", side, side)
            : least > 1
                ? String.format(Locale.ROOT, "boxes of %d pixels at least", least)
                : "boxes";
    return metric.name() + ", objects (" + size + ")";
  }

  /**
   * The value of each box.
   *
   * @param pictures {@code [count, size, size, 3]} in [0, 1], as are the truths
   * @param boxes of each picture, {@code [N, 4]} each: y0, x0, y1, x1 in [0, 1]
   * @return a value a box, for each picture
   */
  public double[][] of(float[] pictures, float[] truths, List<float[]> boxes, int size) {
    Pictures.check(name(), pictures, truths, boxes.size(), size, size);
    double[][] values = new double[boxes.size()][];
    for (int i = 0; i < values.length; i++) {
      float[] mine = boxes.get(i);
      values[i] = new double[mine.length / 4];
      for (int k = 0; k < values[i].length; k++) {
        Crop crop = Crop.ofBox(mine, 4 * k, size, least);
        float[] drawn = crop.of(pictures, i, size);
        float[] wanted = crop.of(truths, i, size);
        values[i][k] = of(drawn, wanted, crop);
      }
    }
    return values;
  }

  private double of(float[] drawn, float[] wanted, Crop crop) {
    if (side == 0) {
      return metric.of(drawn, wanted, 1, crop.height(), crop.width())[0];
    }
    Resampling r = Resampling.BILINEAR_ANTIALIASED;
    return metric
        .of(
            r.resize(drawn, crop.height(), crop.width(), side, side),
            r.resize(wanted, crop.height(), crop.width(), side, side),
            1,
            side,
            side)[0];
  }
}
