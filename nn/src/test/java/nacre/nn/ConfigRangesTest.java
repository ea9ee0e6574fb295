package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.DoubleFunction;
import org.junit.jupiter.api.Test;

/** Numbers of the configurations that could not work. */
class ConfigRangesTest {
  private static final double INFINITE = Double.POSITIVE_INFINITY;

  private static void assertRefused(String key, DoubleFunction<?> make, double... values) {
    for (double value : values) {
      var e = assertThrows(IllegalArgumentException.class, () -> make.apply(value), key + value);
      assertTrue(e.getMessage().contains(key + " must be "), e::getMessage);
      assertTrue(e.getMessage().endsWith("not " + value), e::getMessage);
      assertEquals(1, e.getMessage().lines().count());
    }
  }

  @Test
  void optimizers() {
    double[] always = {-1, Double.NaN, INFINITE, -INFINITE};
    for (double[] values : List.of(always, new double[] {1, 0.99999999})) {
      assertRefused("beta1", v -> new AdamW.Config(v, 0.9, 1e-8, 0, 1), values);
      assertRefused("beta2", v -> new AdamW.Config(0.9, v, 1e-8, 0, 1), values);
      assertRefused("momentum", v -> new Sgd.Config(v, false, 0), values);
    }
    for (double[] values : List.of(always, new double[] {0, 1e-50})) {
      assertRefused("eps", v -> new AdamW.Config(0.9, 0.9, v, 0, 1), values);
    }
    assertRefused("weightDecay", v -> new AdamW.Config(0.9, 0.9, 1e-8, v, 1), always);
    assertRefused("weightDecay", v -> new Sgd.Config(0, false, v), always);
    assertRefused("weightDecay", v -> new AdamW.Group(name -> true, 1, v), always);
    assertRefused("learningRateFactor", v -> new AdamW.Group(name -> true, v, 0), always);
    assertRefused(
        "maxNorm", v -> AdamW.Config.defaults().withMaxNorm(v), 0, -1, Double.NaN, -INFINITE);
    assertDoesNotThrow(() -> new AdamW.Config(0, 0.999, 1e-12, 0, INFINITE));
  }

  @Test
  void visionTransformers() {
    assertRefused(
        "layer_norm_eps",
        v -> new VitConfig(8, 1, 2, 8, "gelu", v, 8, 4, 3, true),
        -1,
        0,
        2,
        Double.NaN,
        INFINITE);
    for (int bad : new int[] {0, -1, 1_000_000_000}) {
      for (int at = 0; at < 7; at++) {
        int[] n = {8, 1, 2, 8, 8, 4, 3};
        n[at] = bad;
        var e =
            assertThrows(
                IllegalArgumentException.class,
                () -> new VitConfig(n[0], n[1], n[2], n[3], "gelu", 1e-6, n[4], n[5], n[6], true));
        assertTrue(e.getMessage().endsWith("not " + bad), e::getMessage);
      }
    }
  }
}
