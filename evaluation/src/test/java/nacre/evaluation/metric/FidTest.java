package nacre.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import nacre.nn.vision.InceptionFile;
import nacre.nn.vision.InceptionV3;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Fréchet distances against pytorch-fid's formula in SciPy, and pictures through to the end. */
class FidTest {
  private static final int DIMENSIONS = 24;
  private static final Path INCEPTION = Path.of("../nn/src/test/resources/inception");

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static FeatureSums sums(float[] rows) {
    FeatureSums sums = new FeatureSums(DIMENSIONS);
    int half = rows.length / DIMENSIONS / 2 * DIMENSIONS;
    sums.add(Arrays.copyOf(rows, half)); // in two parts
    sums.add(Arrays.copyOfRange(rows, half, rows.length));
    return sums;
  }

  private static void assertRelative(double wanted, double got, double tolerance) {
    assertEquals(wanted, got, tolerance * Math.abs(wanted));
  }

  @Test
  void distancesAreScipys() throws IOException {
    float[] a = Expected.tensor("features", "a");
    float[] b = Expected.tensor("features", "b");
    assertRelative(Expected.value("frechet"), FrechetDistance.of(sums(a), sums(b)), 1e-9);
    assertRelative(Expected.value("frechet"), FrechetDistance.of(sums(b), sums(a)), 1e-9);
    float[] near = a.clone();
    for (int i = 0; i < near.length; i++) {
      near[i] *= 1.01f;
    }
    assertRelative(Expected.value("near"), FrechetDistance.of(sums(a), sums(near)), 1e-6);
    assertEquals(0, FrechetDistance.of(sums(a), sums(a)), 1e-9);
  }

  /** Covariances of which most eigenvalues are zero. */
  @Test
  void distancesOfFewVectors() throws IOException {
    float[] a = Arrays.copyOf(Expected.tensor("features", "a"), 10 * DIMENSIONS);
    float[] b = Expected.tensor("features", "b");
    float[] few = Arrays.copyOf(b, 14 * DIMENSIONS);
    assertRelative(Expected.value("few"), FrechetDistance.of(sums(a), sums(few)), 1e-6);
    assertRelative(Expected.value("few and many"), FrechetDistance.of(sums(a), sums(b)), 1e-6);
    float[] one = Arrays.copyOf(a, 2 * DIMENSIONS);
    System.arraycopy(one, 0, one, DIMENSIONS, DIMENSIONS);
    double alone = FrechetDistance.of(sums(one), sums(b));
    double apart = 0;
    double[][] covariance = sums(b).covariance();
    for (int i = 0; i < DIMENSIONS; i++) {
      apart += Math.pow(one[i] - sums(b).mean()[i], 2) + covariance[i][i];
    }
    assertRelative(apart, alone, 1e-9);
    var sums = new FeatureSums(DIMENSIONS);
    var e = assertThrows(IllegalStateException.class, () -> FrechetDistance.of(sums, sums(b)));
    assertTrue(e.getMessage().contains("there are 0 and 60"), e.getMessage());
  }

  /** (n ± cos) of a path's matrix, and a matrix of 300 rows, which all cores share. */
  @Test
  void eigenvaluesThatAreKnown() {
    int n = 300;
    double[][] path = new double[n][n];
    for (int i = 0; i + 1 < n; i++) {
      path[i][i + 1] = -1;
      path[i + 1][i] = -1;
    }
    for (int i = 0; i < n; i++) {
      path[i][i] = 2;
    }
    // Mirrored at a vector of ones, it is no band any more and has the same eigenvalues.
    double[] eigenvalues = SymmetricMatrix.eigenvalues(mirrored(path));
    for (int k = 0; k < n; k++) {
      double wanted = 2 - 2 * Math.cos(Math.PI * (k + 1) / (n + 1));
      assertEquals(wanted, eigenvalues[k], 1e-12);
    }
  }

  /** (I − 2 v vᵀ) a (I − 2 v vᵀ) of v = 1 / √n. */
  private static double[][] mirrored(double[][] a) {
    int n = a.length;
    double[] sums = Arrays.stream(a).mapToDouble(row -> Arrays.stream(row).sum()).toArray();
    double all = Arrays.stream(sums).sum();
    double[][] m = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        m[i][j] = a[i][j] - 2 * (sums[i] + sums[j]) / n + 4 * all / n / n;
      }
    }
    return m;
  }

  private static float[] flipped(float[] picture, boolean rows) {
    float[] out = new float[picture.length];
    int n = Samples.SIZE;
    for (int y = 0; y < n; y++) {
      for (int x = 0; x < n; x++) {
        int from = rows ? (n - 1 - y) * n + x : y * n + n - 1 - x;
        System.arraycopy(picture, from * 3, out, (y * n + x) * 3, 3);
      }
    }
    return out;
  }

  @ParameterizedTest
  @EnumSource
  void distancesOfPicturesArePyTorchs(Fid.Style style) throws IOException {
    float[] first = Samples.joined(Samples.BLURRED, Samples.WARPED);
    float[] drawn =
        Samples.joined(
            Samples.joined(first, flipped(Samples.BLURRED, false)),
            Samples.joined(flipped(Samples.WARPED, true), flipped(Samples.TRUTH, true)));
    for (int i = 0; i < drawn.length; i++) {
      drawn[i] *= 0.973f;
    }
    float[] wanted =
        Samples.joined(
            Samples.joined(
                Samples.joined(Samples.TRUTH, flipped(Samples.TRUTH, false)),
                flipped(Samples.TRUTH, true)),
            Samples.joined(flipped(Samples.BLURRED, true), flipped(Samples.WARPED, false)));
    for (InceptionV3.Tap tap : InceptionV3.Tap.values()) {
      try (Scope _ = Scope.open()) {
        InceptionV3 network = new InceptionFile(INCEPTION).load(Device.cpu(), tap);
        Fid fid = new Fid(Device.cpu(), network, style);
        fid.add(drawn, wanted, 5, Samples.SIZE, Samples.SIZE);
        assertEquals(5, fid.count());
        assertRelative(Expected.value(style + "." + tap.ordinal()), fid.value(), 1e-4);
      }
    }
  }

  @Test
  void namesSayWhichFeatures() throws IOException {
    try (Scope _ = Scope.open()) {
      MetricWeights weights =
          MetricWeights.none(Device.cpu()).with(MetricNetwork.INCEPTION, INCEPTION);
      assertEquals("FID (pytorch-fid, 69)", Metrics.setNamed("fid", weights).name());
      assertEquals(
          "FID (torch-fidelity, 69)", Metrics.setNamed("fid-torch-fidelity", weights).name());
      SetMetric cut = Metrics.setNamed("fid-3dit", weights);
      assertEquals("FID (torchmetrics in 3DIT's script, 2)", cut.name());
      var e = assertThrows(IllegalStateException.class, cut::value);
      assertTrue(e.getMessage().contains("there are 0 and 0"), e.getMessage());
    }
  }
}
