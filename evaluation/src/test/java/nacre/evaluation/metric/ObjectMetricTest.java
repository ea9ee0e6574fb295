package nacre.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import nacre.nn.vision.Lpips;
import nacre.nn.vision.LpipsFiles;
import nacre.nn.vision.LpipsNet;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Crops of objects' boxes, and what metrics see of them. */
class ObjectMetricTest {
  @ParameterizedTest
  @CsvSource({
    "0.25 0.5 0.75 1, 1, 16 32 32 32",
    "0.26 0.49 0.74 0.99, 1, 16 31 32 33", // pixels that are touched
    "-0.5 0.9 0.2 1.7, 1, 0 57 13 7", // what lies outside is cut off
    "0.5 0.5 0.5 0.5, 1, 32 32 1 1",
    "0.5 0.5 0.5 0.5, 11, 27 27 11 11",
    "0 0.5 0.05 1, 11, 0 32 11 32", // no room before
    "0.97 0.97 1 1, 11, 53 53 11 11", // nor behind
    "0.4 0.4 0.6 0.6, 99, 0 0 64 64",
    "1.2 -3 1.5 -2, 1, 63 0 1 1"
  })
  void cropsOfBoxes(String box, int least, String crop) {
    float[] numbers = new float[4];
    int[] wanted = new int[4];
    for (int i = 0; i < 4; i++) {
      numbers[i] = Float.parseFloat(box.split(" ")[i]);
      wanted[i] = Integer.parseInt(crop.split(" ")[i]);
    }
    assertEquals(
        new Crop(wanted[0], wanted[1], wanted[2], wanted[3]), Crop.ofBox(numbers, 0, 64, least));
  }

  @Test
  void valuesAreThoseOfTheCrops() {
    float[] boxes = {0, 0, 1, 1, 0.25f, 0.5f, 0.75f, 1};
    double[][] values =
        ObjectMetric.of(new Psnr())
            .of(
                Samples.both(),
                Samples.joined(Samples.TRUTH, Samples.TRUTH),
                List.of(boxes, new float[0]),
                Samples.SIZE);
    assertEquals(2, values.length);
    assertEquals(0, values[1].length);
    float[] a = new float[32 * 32 * 3];
    float[] b = new float[a.length];
    for (int y = 0; y < 32; y++) {
      int from = ((16 + y) * 64 + 32) * 3;
      System.arraycopy(Samples.BLURRED, from, a, y * 96, 96);
      System.arraycopy(Samples.TRUTH, from, b, y * 96, 96);
    }
    double[] wanted = {
      new Psnr().of(Samples.BLURRED, Samples.TRUTH, 1, 64)[0], new Psnr().of(a, b, 1, 32)[0]
    };
    assertArrayEquals(wanted, values[0], 1e-12);
  }

  /** The second picture's crops are not the first's. */
  @Test
  void eachPictureHasItsOwnBoxes() {
    float[] box = {0.2f, 0.1f, 0.7f, 0.6f};
    ObjectMetric metric = ObjectMetric.of(new Ssim(Ssim.Variant.TORCHMETRICS));
    float[] truths = Samples.joined(Samples.TRUTH, Samples.TRUTH);
    double[][] both = metric.of(Samples.both(), truths, List.of(box, box), Samples.SIZE);
    double[][] second = metric.of(Samples.WARPED, Samples.TRUTH, List.of(box), Samples.SIZE);
    assertEquals(second[0][0], both[1][0]);
    assertEquals("SSIM (torchmetrics), objects (boxes of 11 pixels at least)", metric.name());
  }

  @Test
  void networksSeeResizedCrops() throws IOException {
    try (Scope _ = Scope.open()) {
      Path here = Path.of("../nn/src/test/resources/lpips/squeeze");
      LpipsFiles files =
          new LpipsFiles(LpipsNet.SQUEEZE, here, Optional.of(here.resolve("heads.safetensors")));
      Metric lpips = new LpipsMetric(Device.cpu(), files.load(Device.cpu()), Lpips.Epsilon.AUTHORS);
      ObjectMetric metric = ObjectMetric.of(lpips);
      assertEquals("LPIPS (SqueezeNet), objects (boxes resized to 64 × 64)", metric.name());
      float[] box = {0.5f, 0, 0.75f, 1};
      double value = metric.of(Samples.BLURRED, Samples.TRUTH, List.of(box), 64)[0][0];
      float[] a = Arrays.copyOfRange(Samples.BLURRED, 32 * 192, 48 * 192);
      float[] b = Arrays.copyOfRange(Samples.TRUTH, 32 * 192, 48 * 192);
      Resampling r = Resampling.BILINEAR_ANTIALIASED;
      float[] large = r.resize(a, 16, 64, 64, 64);
      assertEquals(lpips.of(large, r.resize(b, 16, 64, 64, 64), 1, 64)[0], value, 1e-9);
      MetricWeights vit =
          MetricWeights.none(Device.cpu()).with(MetricNetwork.DINO, Expected.FOLDER.resolve("vit"));
      Metric dino = Metrics.named("dino", vit);
      ObjectMetric objects = ObjectMetric.of(dino);
      assertEquals(
          "DINO similarity (ViT 8/16, class token, resized to 224 × 224), objects (boxes)",
          objects.name());
      float[] whole = {0, 0, 1, 1};
      assertEquals(
          Expected.value("WHOLE.CLASS.p1.whole"),
          objects.of(Samples.WARPED, Samples.TRUTH, List.of(whole), 64)[0][0],
          1e-5);
    }
  }
}
