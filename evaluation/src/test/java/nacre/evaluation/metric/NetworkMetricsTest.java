package nacre.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import nacre.evaluation.metric.DinoSimilarity.Fit;
import nacre.evaluation.metric.DinoSimilarity.Tokens;
import nacre.nn.vision.Lpips;
import nacre.nn.vision.LpipsFiles;
import nacre.nn.vision.LpipsNet;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Metrics that look through networks: similarities of DINO's features, LPIPS. */
class NetworkMetricsTest {
  private static final Device CPU = Device.cpu();
  private static final MetricWeights VIT =
      MetricWeights.none(CPU).with(MetricNetwork.DINO, Expected.FOLDER.resolve("vit"));

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @ParameterizedTest
  @CsvSource({"CLASS, CROP", "CLASS, WHOLE", "PATCH_MEAN, CROP", "PATCH_MEAN, WHOLE"})
  void similaritiesAreTransformers(Tokens tokens, Fit fit) throws IOException {
    try (Scope _ = Scope.open()) {
      DinoSimilarity dino = DinoSimilarity.of(VIT, tokens, fit);
      float[] truths = Samples.joined(Samples.TRUTH, Samples.TRUTH);
      double[] whole = dino.of(Samples.both(), truths, 2, Samples.SIZE);
      assertEquals(Expected.value(fit + "." + tokens + ".p0.whole"), whole[0], 1e-5);
      assertEquals(Expected.value(fit + "." + tokens + ".p1.whole"), whole[1], 1e-5);
      double part = dino.of(part(Samples.WARPED), part(Samples.TRUTH), 1, 43, 64)[0];
      assertEquals(Expected.value(fit + "." + tokens + ".p1.part"), part, 1e-5);
    }
  }

  /** Rows 5 to 47. */
  private static float[] part(float[] picture) {
    return Arrays.copyOfRange(picture, 5 * 64 * 3, 48 * 64 * 3);
  }

  @Test
  void namesSayWhichNetworkAndTokens() throws IOException {
    try (Scope _ = Scope.open()) {
      assertEquals(
          "DINO similarity (ViT 8/16, class token, resized to 256, middle 224)",
          Metrics.named("dino", VIT).name());
      assertEquals(
          "DINO similarity (ViT 8/16, class token, resized to 224 × 224)",
          Metrics.named("dino-whole", VIT).name());
      assertEquals(
          "DINO similarity (ViT 8/16, mean of patches, resized to 256, middle 224)",
          Metrics.named("dino-patches", VIT).name());
    }
  }

  /** More pictures than go through the network at a time, each as if it were alone. */
  @ParameterizedTest
  @EnumSource
  void lpipsOfManyIsThatOfEach(LpipsNet net) throws IOException {
    try (Scope _ = Scope.open()) {
      Path here = Path.of("../nn/src/test/resources/lpips", net.toString());
      LpipsFiles files = new LpipsFiles(net, here, Optional.of(here.resolve("heads.safetensors")));
      LpipsMetric metric = new LpipsMetric(CPU, files.load(CPU).prepack(), Lpips.Epsilon.AUTHORS);
      int count = 66;
      float[] pictures = new float[count * Samples.TRUTH.length];
      float[] truths = new float[pictures.length];
      for (int i = 0; i < count; i++) {
        float[] one = i % 2 == 0 ? Samples.BLURRED : Samples.WARPED;
        System.arraycopy(one, 0, pictures, i * one.length, one.length);
        System.arraycopy(Samples.TRUTH, 0, truths, i * one.length, one.length);
      }
      double[] all = metric.of(pictures, truths, count, Samples.SIZE);
      double blurred = metric.of(Samples.BLURRED, Samples.TRUTH, 1, Samples.SIZE)[0];
      double warped = metric.of(Samples.WARPED, Samples.TRUTH, 1, Samples.SIZE)[0];
      assertEquals(blurred, all[64], 1e-6);
      assertEquals(warped, all[65], 1e-6);
      assertEquals(0, metric.of(Samples.TRUTH, Samples.TRUTH, 1, Samples.SIZE)[0]);
      var e =
          assertThrows(
              IllegalArgumentException.class,
              () -> metric.of(new float[300], new float[300], 1, 10, 10));
      assertEquals(
          metric.name()
              + ": pictures of 10 × 10 pixels, at least "
              + net.smallest()
              + " a side are wanted",
          e.getMessage());
    }
  }

  @Test
  void weightsThatAreMissingAreNamed() {
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> Metrics.named("lpips-vgg", MetricWeights.none(CPU)));
    assertEquals(
        "metric lpips-vgg needs the weights of torchvision's or timm's VGG16; name their file as"
            + " those of vgg",
        e.getMessage());
  }
}
