package nacre.diffusion.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Numbers are those of scipy.stats.beta.ppf(p, 0.6, 0.6). */
class BetaQuantileTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1e-9, 1.85588246249141e-15",
    "1e-3, 1.855873851745199e-05",
    "0.02, 0.002732982024577027",
    "0.1, 0.03958440558878085",
    "0.25, 0.17568037865269498",
    "0.4999, 0.49986127490549975",
    "0.5, 0.5",
    "0.7, 0.7659829961247643",
    "0.9, 0.9604155944112192",
    "0.99, 0.9991387611784571",
    "0.9966666666666667, 0.9998619615559835",
    "1, 1"
  })
  void isThatOfScipy(double p, double quantile) {
    assertEquals(quantile, BetaQuantile.at(p), 1e-14 * Math.max(quantile, 1e-3));
  }
}
