package nacre.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import nacre.evaluation.metric.Ssim.Variant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * PSNR and SSIM against what torchmetrics 1.9, scikit-image 0.26 and TensorFlow 2.21 computed of
 * the same pictures.
 */
class PixelMetricsTest {
  private static final float[] TRUTHS = Samples.joined(Samples.TRUTH, Samples.TRUTH);

  private static double[] of(Metric metric) {
    return metric.of(Samples.both(), TRUTHS, 2, Samples.SIZE);
  }

  @Test
  void psnr() {
    assertArrayEquals(new double[] {18.04554, 13.86751}, of(new Psnr()), 1e-4);
  }

  @ParameterizedTest
  @CsvSource({
    "TORCHMETRICS, .450087, .285923",
    "SCIKIT_IMAGE, .476850, .313156",
    "SCIKIT_IMAGE_GAUSSIAN, .436364, .295506",
    "SCIKIT_IMAGE_POPULATION, .436746, .295903",
    "TENSORFLOW, .436742, .295890"
  })
  void ssim(Variant variant, double blurred, double warped) {
    assertArrayEquals(new double[] {blurred, warped}, of(new Ssim(variant)), 2e-5);
  }

  /** 10 log₁₀ of the squared range apart. */
  @Test
  void psnrOfTheTruthsRange() {
    float[] truth = {0.2f, 0.2f, 0.2f, 0.6f, 0.4f, 0.3f};
    float[] picture = {0.3f, 0.2f, 0.2f, 0.6f, 0.4f, 0.3f};
    double plain = new Psnr().of(picture, truth, 1, 1, 2)[0];
    double ranged = new Psnr(Psnr.Range.TRUTH).of(picture, truth, 1, 1, 2)[0];
    assertEquals(10 * Math.log10(6 / 0.01), plain, 1e-5);
    assertEquals(plain + 20 * Math.log10(0.4), ranged, 1e-5);
  }

  @Test
  void equalPicturesHaveTheMost() {
    assertArrayEquals(new double[] {100, 100}, new Psnr().of(TRUTHS, TRUTHS, 2, 64));
    for (Variant variant : Variant.values()) {
      assertArrayEquals(new double[] {1, 1}, new Ssim(variant).of(TRUTHS, TRUTHS, 2, 64), 1e-12);
    }
    float[] flat = new float[12];
    float[] other = new float[12];
    other[0] = 0.5f;
    assertEquals(-100, new Psnr(Psnr.Range.TRUTH).of(other, flat, 1, 2)[0]);
  }

  /** With both halved, R = 1/2 sees what R = 1 saw before. */
  @ParameterizedTest
  @EnumSource
  void rangesOfThePictures(Variant variant) {
    float[] pictures = Samples.both();
    float[] halves = halved(pictures);
    float[] least = new float[2 * Samples.TRUTH.length];
    System.arraycopy(halves, 0, least, 0, halves.length);
    double[] wanted = new double[2];
    double[] got = new Ssim(variant, Ssim.Range.LARGER).of(halves, halved(TRUTHS), 2, 64);
    for (int i = 0; i < 2; i++) {
      int length = Samples.TRUTH.length;
      double spread =
          Math.max(Pictures.spread(pictures, i, length), Pictures.spread(TRUTHS, i, length));
      assertTrue(spread > 0.98 && spread <= 1, "the pictures fill the range: " + spread);
      wanted[i] = new Ssim(variant).of(pictures, TRUTHS, 2, 64)[i];
    }
    assertArrayEquals(wanted, got, 2e-3);
    double[] unaware = new Ssim(variant).of(halves, halved(TRUTHS), 2, 64);
    assertTrue(unaware[0] > got[0] + 5e-3, unaware[0] + " with the range 1, " + got[0]);
  }

  private static float[] halved(float[] pictures) {
    float[] halves = pictures.clone();
    for (int i = 0; i < halves.length; i++) {
      halves[i] /= 2;
    }
    return halves;
  }

  /** Rows and columns may differ in number, and are not mixed up. */
  @ParameterizedTest
  @EnumSource
  void oblongPicturesAndTheirTransposes(Variant variant) {
    int high = 20;
    int wide = 64;
    float[] a = Arrays.copyOf(Samples.BLURRED, high * wide * 3);
    float[] b = Arrays.copyOf(Samples.TRUTH, high * wide * 3);
    double lying = new Ssim(variant).of(a, b, 1, high, wide)[0];
    double standing =
        new Ssim(variant)
            .of(transposed(a, high, wide), transposed(b, high, wide), 1, wide, high)[0];
    assertEquals(lying, standing, 1e-12);
    double whole = new Ssim(variant).of(Samples.BLURRED, Samples.TRUTH, 1, 64)[0];
    assertTrue(Math.abs(whole - lying) > 1e-3, whole + " and " + lying);
  }

  private static float[] transposed(float[] picture, int high, int wide) {
    float[] turned = new float[picture.length];
    for (int y = 0; y < high; y++) {
      for (int x = 0; x < wide; x++) {
        System.arraycopy(picture, (y * wide + x) * 3, turned, (x * high + y) * 3, 3);
      }
    }
    return turned;
  }

  @ParameterizedTest
  @CsvSource({"TORCHMETRICS, 6", "TENSORFLOW, 11", "SCIKIT_IMAGE, 7"})
  void picturesSmallerThanTheWindowAreRefused(Variant variant, int least) {
    assertEquals(least, variant.least());
    float[] enough = new float[least * 20 * 3];
    assertEquals(1, new Ssim(variant).of(enough, enough, 1, least, 20)[0], 1e-12);
    float[] few = new float[(least - 1) * 20 * 3];
    var e =
        assertThrows(
            IllegalArgumentException.class, () -> new Ssim(variant).of(few, few, 1, least - 1, 20));
    assertTrue(e.getMessage().contains("at least " + least + " a side"), e.getMessage());
  }

  @Test
  void lengthsThatDoNotFitAreRefused() {
    var e =
        assertThrows(
            IllegalArgumentException.class, () -> new Psnr().of(new float[12], new float[9], 1, 2));
    assertEquals(
        "PSNR: 12 and 9 values, wanted are 12 for each set of 1 pictures of 2 × 2 pixels",
        e.getMessage());
  }
}
