package nacre.evaluation.metric;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The evaluation of 3DIT on OBJect as its script does it, with what is odd about it, so that values
 * can be compared with the published ones: PSNR with the range of the true crop, torchmetrics' SSIM
 * with the larger range of the two crops, LPIPS through VGG16 with torchmetrics' epsilon, each on a
 * crop around the edited object's mask; of several pictures drawn for a case the one with the best
 * PSNR counts. Its FID is {@code fid-3dit} of {@link Metrics}, of those pictures as a whole.
 *
 * <p>Whether the published values saw crops is not certain: the script finds the object in a mask
 * by comparing colors of 0 to 255 with a palette of 0 to 1, and where it finds none it takes the
 * whole picture. So {@link Region} has both. The torchmetrics of that time is not known, either.
 *
 * @param lpips {@code lpips-vgg-torchmetrics} of {@link Metrics}, or another
 */
public record ThreeDitProtocol(Metric lpips) {
  private static final int MIN_SIZE = 32;
  private static final Psnr PSNR = new Psnr(Psnr.Range.TRUTH);
  private static final Ssim SSIM = new Ssim(Ssim.Variant.TORCHMETRICS, Ssim.Range.LARGER);

  /** What is compared. */
  public enum Region {
    /** The crop around the object. */
    CROP,
    /** The whole picture. */
    WHOLE
  }

  /** The values of a picture. LPIPS is a distance: smaller is better. */
  public record Scores(double psnr, double ssim, double lpips) {}

  /**
   * The values of one picture.
   *
   * @param picture {@code [size, size, 3]} in [0, 1], as is the truth; the script has 256 pixels
   * @param mask the edited object's pixels in the truth, of a removal in the source; none is fine
   */
  public Scores of(float[] picture, float[] truth, boolean[] mask, int size, Region region) {
    Crop crop = region == Region.CROP ? crop(mask, size) : new Crop(0, 0, size, size);
    float[] drawn = crop.of(picture, 0, size);
    float[] wanted = crop.of(truth, 0, size);
    return new Scores(
        PSNR.of(drawn, wanted, 1, crop.height(), crop.width())[0],
        SSIM.of(drawn, wanted, 1, crop.height(), crop.width())[0],
        lpips.of(drawn, wanted, 1, crop.height(), crop.width())[0]);
  }

  /** Which of the pictures drawn for a case counts: the first with the largest PSNR. */
  public static int best(List<Scores> drawn) {
    return IntStream.range(0, drawn.size())
        .boxed()
        .max(
            Comparator.comparingDouble((Integer i) -> orLeast(drawn.get(i).psnr))
                .thenComparing(Comparator.reverseOrder()))
        .orElseThrow();
  }

  /** A value that is none never is the best. */
  private static double orLeast(double value) {
    return Double.isNaN(value) ? Double.NEGATIVE_INFINITY : value;
  }

  /**
   * The script's crop: from the first row and column of the mask up to, but without, the last. One
   * of less than 32 rows or columns gets 32 on each side of its middle, and 32 in all where that
   * reaches an edge; whether the columns reach an edge, it asks of the rows. The whole picture
   * where the mask is empty.
   */
  static Crop crop(boolean[] mask, int size) {
    int top = size;
    int bottom = -1;
    int left = size;
    int right = -1;
    for (int k = 0; k < mask.length; k++) {
      if (mask[k]) {
        top = Math.min(top, k / size);
        bottom = Math.max(bottom, k / size);
        left = Math.min(left, k % size);
        right = Math.max(right, k % size);
      }
    }
    if (bottom < 0) {
      return new Crop(0, 0, size, size);
    }
    int[] rows = {top, bottom};
    if (bottom - top < MIN_SIZE) {
      rows = widened(rows, size);
      rows = repaired(rows, rows, size);
    }
    int[] columns = {left, right};
    if (right - left < MIN_SIZE) {
      columns = repaired(widened(columns, size), rows, size);
    }
    return new Crop(rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0]);
  }

  private static int[] widened(int[] span, int size) {
    int middle = (span[0] + span[1]) / 2;
    return new int[] {Math.max(middle - MIN_SIZE, 0), Math.min(middle + MIN_SIZE, size - 1)};
  }

  /** As long as 32 where {@code asked} reaches an edge. */
  private static int[] repaired(int[] span, int[] asked, int size) {
    if (asked[0] == 0) {
      return new int[] {span[0], span[0] + MIN_SIZE};
    }
    return asked[1] == size - 1 ? new int[] {span[1] - MIN_SIZE, span[1]} : span;
  }
}
