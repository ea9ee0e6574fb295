package nacre.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Means over seeds, best of k, and intervals. */
class StatisticsTest {
  @Test
  void meansOfSeedsHaveStandardErrors() {
    MeanOfSeeds mean = MeanOfSeeds.of(1, 2, 6);
    assertEquals(3, mean.mean());
    assertEquals(Math.sqrt(7.0 / 3), mean.error(), 1e-12);
    assertTrue(Double.isNaN(MeanOfSeeds.of(4).error()));
  }

  @Test
  void bestAndMeanOfSeveralDraws() {
    double[][] psnr = {{10, 30, Double.NaN}, {20, 25, 5}, {15, 30, 4}};
    assertArrayEquals(new double[] {15, 85.0 / 3}, Arrays.copyOf(SeveralDraws.mean(psnr), 2), 1e-9);
    int[] best = SeveralDraws.best(psnr, true);
    assertArrayEquals(new int[] {1, 0, 1}, best);
    assertArrayEquals(new int[] {0, 1, 2}, SeveralDraws.best(psnr, false));
    double[][] lpips = {{.1, .2, .3}, {.4, .5, .6}, {.7, .8, .9}};
    assertArrayEquals(new double[] {.4, .2, .6}, SeveralDraws.of(lpips, best));
  }

  /** Of values whose mean is known, 95 in 100 intervals hold it; skewed ones, too. */
  @ParameterizedTest
  @ValueSource(strings = {"normal", "exponential"})
  void intervalsHoldTheMeanAsOftenAsTheySay(String distribution) {
    int trials = 800;
    Random random = new Random(5);
    int held = 0;
    int above = 0;
    for (int trial = 0; trial < trials; trial++) {
      double[] differences =
          DoubleStream.generate(
                  distribution.equals("normal")
                      ? () -> 1 + random.nextGaussian()
                      : random::nextExponential)
              .limit(60)
              .toArray();
      BootstrapInterval interval = BootstrapInterval.of(differences, 0.95, 1000, trial);
      held += interval.low() <= 1 && 1 <= interval.high() ? 1 : 0;
      above += interval.low() > 1 ? 1 : 0;
    }
    double share = (double) held / trials;
    assertTrue(share > 0.925 && share < 0.97, share + " of the intervals hold the mean");
    assertTrue(above > trials * 0.01 && above < trials * 0.045, above + " are too high");
  }

  @Test
  void intervalsOfOtherLevelsAreNarrower() {
    double[] values = new Random(3).doubles(80).toArray();
    BootstrapInterval wide = BootstrapInterval.of(values, 0.95, 4000, 1);
    BootstrapInterval narrow = BootstrapInterval.of(values, 0.5, 4000, 1);
    double error = Math.sqrt(1.0 / 12 / 80); // of the mean of uniform numbers
    assertEquals(2 * 1.96 * error, wide.high() - wide.low(), 0.1 * 4 * error);
    assertEquals(2 * 0.6745 * error, narrow.high() - narrow.low(), 0.1 * 2 * error);
  }

  @Test
  void theSameSeedGivesTheSameInterval() {
    double[] a = new Random(1).doubles(50).toArray();
    double[] b = new Random(2).doubles(50).toArray();
    BootstrapInterval interval = BootstrapInterval.paired(a, b, 7);
    assertEquals(interval, BootstrapInterval.paired(a, b, 7));
    assertNotEquals(interval, BootstrapInterval.paired(a, b, 8));
    double[] better = Arrays.stream(b).map(v -> v + 0.01).toArray();
    BootstrapInterval sure = BootstrapInterval.paired(better, b, 7);
    assertTrue(sure.excludesZero());
    assertEquals(0.01, sure.low(), 1e-12);
    assertFalse(BootstrapInterval.paired(a, a, 7).excludesZero());
    double[][] seeds = {a, b};
    double[][] others = {b, a};
    assertEquals(0, BootstrapInterval.paired(seeds, others, 7).high(), 1e-12);
    assertThrows(
        IllegalArgumentException.class, () -> BootstrapInterval.paired(a, new double[3], 7));
    double[] none = {1, Double.NaN};
    assertThrows(IllegalArgumentException.class, () -> BootstrapInterval.of(none, 0.9, 10, 1));
  }

  @Test
  void theNormalDistribution() {
    assertEquals(0.975, BootstrapInterval.Normal.below(1.959963984540054), 1e-14);
    assertEquals(-1.6448536269514722, BootstrapInterval.Normal.quantile(0.05), 1e-12);
    assertEquals(0, BootstrapInterval.Normal.below(-40));
  }
}
