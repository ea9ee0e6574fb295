package nacre.cli.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Tensors of one kind beside those that PyTorch computed; see the README on bundles. */
final class Comparison {
  private record Pair(float[] got, float[] wanted) {}

  private final Map<String, Pair> pairs = new LinkedHashMap<>();

  void add(String name, float[] got, float[] wanted) {
    assertEquals(wanted.length, got.length, name);
    pairs.put(name, new Pair(got, wanted));
  }

  int size() {
    return pairs.size();
  }

  /**
   * Asserts that ‖got − wanted‖ / ‖wanted‖ is within the tolerance for each. Where ‖wanted‖ is
   * below a thousandth of the largest, that thousandth is the divisor: some gradients are
   * mathematically zero.
   *
   * @return the largest of those ratios
   */
  double assertClose(double tolerance) {
    double largest = 0;
    for (Pair pair : pairs.values()) {
      largest = Math.max(largest, norm(pair.wanted, null));
    }
    double worst = 0;
    List<String> failures = new ArrayList<>();
    for (Map.Entry<String, Pair> entry : pairs.entrySet()) {
      Pair pair = entry.getValue();
      double scale = Math.max(norm(pair.wanted, null), largest / 1000);
      double error = norm(pair.got, pair.wanted) / scale;
      worst = Math.max(worst, error);
      if (!(error <= tolerance)) {
        failures.add(entry.getKey() + " is off by " + error);
      }
    }
    assertEquals(List.of(), failures);
    return worst;
  }

  /** Asserts that ‖got − wanted‖ / ‖wanted‖ is within the tolerance of all as one vector. */
  void assertCloseTogether(double tolerance) {
    double difference = 0;
    double whole = 0;
    for (Pair pair : pairs.values()) {
      difference += Math.pow(norm(pair.got, pair.wanted), 2);
      whole += Math.pow(norm(pair.wanted, null), 2);
    }
    double error = Math.sqrt(difference / whole);
    assertTrue(error <= tolerance, "all together are off by " + error);
  }

  private static double norm(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      double d = a[i] - (b == null ? 0 : b[i]);
      sum += d * d;
    }
    return Math.sqrt(sum);
  }
}
