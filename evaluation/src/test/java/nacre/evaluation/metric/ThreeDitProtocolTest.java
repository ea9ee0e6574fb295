package nacre.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import nacre.evaluation.metric.ThreeDitProtocol.Region;
import nacre.evaluation.metric.ThreeDitProtocol.Scores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The crops of 3DIT's script, of which the wanted ones were worked out by hand, and its choice. */
class ThreeDitProtocolTest {
  private static final int SIZE = 256;

  private static boolean[] mask(int top, int bottom, int left, int right) {
    boolean[] mask = new boolean[SIZE * SIZE];
    mask[top * SIZE + left] = true;
    mask[bottom * SIZE + right] = true;
    return mask;
  }

  @ParameterizedTest
  @CsvSource({
    "100 180 50 120, 100 50 80 70", // large: without the last row and column
    "100 132 50 82, 100 50 32 32", // 32 apart is enough
    "100 131 50 120, 83 50 64 70", // 31 apart: 32 on each side of 115
    "0 20 100 200, 0 100 32 100", // rows at the upper edge: 32 in all
    "240 250 100 200, 223 100 32 100", // at the lower edge
    "100 180 0 20, 100 0 80 42", // columns at the edge: asked of the rows, so not repaired
    "0 100 100 110, 0 73 100 32", // rows begin at the edge: columns are cut to 32
    "150 255 100 110, 150 105 105 32", // rows end at the edge: likewise, from behind
    "5 5 7 7, 0 0 32 32"
  })
  void cropsAreTheScripts(String rowsAndColumns, String crop) {
    int[] m = numbers(rowsAndColumns);
    int[] c = numbers(crop);
    assertEquals(
        new Crop(c[0], c[1], c[2], c[3]),
        ThreeDitProtocol.crop(mask(m[0], m[1], m[2], m[3]), SIZE));
  }

  private static int[] numbers(String text) {
    return List.of(text.split(" ")).stream().mapToInt(Integer::parseInt).toArray();
  }

  @Test
  void withoutAMaskTheWholePictureCounts() {
    boolean[] none = new boolean[SIZE * SIZE];
    assertEquals(new Crop(0, 0, SIZE, SIZE), ThreeDitProtocol.crop(none, SIZE));
  }

  /** Ranges are those of the crops, not of the pictures. */
  @Test
  void scoresAreOfTheCrop() {
    ThreeDitProtocol protocol = new ThreeDitProtocol(new Psnr()); // any metric in LPIPS's place
    boolean[] mask = new boolean[64 * 64];
    mask[10 * 64 + 8] = true;
    mask[50 * 64 + 60] = true;
    Scores got = protocol.of(Samples.BLURRED, Samples.TRUTH, mask, 64, Region.CROP);
    Crop crop = new Crop(10, 8, 40, 52);
    float[] a = crop.of(Samples.BLURRED, 0, 64);
    float[] b = crop.of(Samples.TRUTH, 0, 64);
    double spread = Pictures.spread(b, 0, b.length);
    double plain = new Psnr().of(a, b, 1, 40, 52)[0];
    assertEquals(plain + 20 * Math.log10(spread), got.psnr(), 1e-9);
    assertEquals(plain, got.lpips());
    double larger = Math.max(spread, Pictures.spread(a, 0, a.length));
    Metric ssim = new Ssim(Ssim.Variant.TORCHMETRICS);
    double wanted = ssim.of(scaled(a, larger), scaled(b, larger), 1, 40, 52)[0];
    assertEquals(wanted, got.ssim(), 1e-5);
    Scores whole = protocol.of(Samples.BLURRED, Samples.TRUTH, mask, 64, Region.WHOLE);
    assertEquals(18.04554, whole.lpips(), 1e-4);
  }

  private static float[] scaled(float[] picture, double range) {
    float[] scaled = picture.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] = (float) (scaled[i] / range);
    }
    return scaled;
  }

  @Test
  void theBestPsnrCountsWhateverTheOthersSay() {
    assertEquals(
        1,
        ThreeDitProtocol.best(
            List.of(new Scores(10, 0.9, 0.1), new Scores(12, 0.1, 0.9), new Scores(12, 1, 0))));
  }
}
