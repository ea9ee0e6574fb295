package nacre.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import nacre.tensor.Device;
import org.junit.jupiter.api.Test;

/** Metrics by their names. */
class MetricsTest {
  private static final MetricWeights NONE = MetricWeights.none(Device.cpu());

  @Test
  void namesAndTitlesAreDistinct() throws IOException {
    Set<String> names = new HashSet<>();
    Set<String> titles = new HashSet<>();
    for (Metrics.Kind kind : Metrics.all()) {
      assertTrue(names.add(kind.name()), kind.name());
      if (kind.network().isEmpty()) {
        assertTrue(titles.add(Metrics.named(kind.name(), NONE).name()), kind.name());
      }
    }
    assertEquals("SSIM (torchmetrics)", Metrics.named("ssim", NONE).name());
    assertEquals("PSNR", Metrics.named("psnr", NONE).name());
  }

  @Test
  void unknownNamesAreRefusedWithTheKnown() {
    var e = assertThrows(IllegalArgumentException.class, () -> Metrics.named("ssin", NONE));
    assertTrue(
        e.getMessage().startsWith("metric ssin is not known; known are psnr, "), e.getMessage());
    e = assertThrows(IllegalArgumentException.class, () -> Metrics.setNamed("psnr", NONE));
    assertEquals("metric psnr measures each picture, not sets of them", e.getMessage());
    e = assertThrows(IllegalArgumentException.class, () -> MetricNetwork.of("vgg19"));
    assertEquals(
        "metric network vgg19 is not known; known are alex, vgg, squeeze, inception, dino",
        e.getMessage());
  }
}
