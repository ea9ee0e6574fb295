package nacre.tensor.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import nacre.tensor.Tensor;

/**
 * Named numbers from {@code torch.txt}, which {@code tools/lab/reference/plain_values.py} writes,
 * and which of them were compared.
 */
final class TorchValues {
  private static final double TOLERANCE = 2e-6;

  private final Map<String, double[]> values = new HashMap<>();
  private final Set<String> unused;

  private TorchValues(String text) {
    for (String line : text.split("\n")) {
      String[] words = line.trim().split(" ");
      double[] numbers =
          Arrays.stream(words, 1, words.length).mapToDouble(Double::parseDouble).toArray();
      values.put(words[0], numbers);
    }
    unused = new TreeSet<>(values.keySet());
  }

  static TorchValues load() {
    try (InputStream in = TorchValues.class.getResourceAsStream("torch.txt")) {
      assertNotNull(in, "torch.txt");
      return new TorchValues(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The names that {@link #check} was not asked for. */
  Set<String> unused() {
    return unused;
  }

  void check(String name, Tensor actual) {
    double[] want = values.get(name);
    assertNotNull(want, name);
    unused.remove(name);
    float[] got = actual.toFloats();
    assertEquals(want.length, got.length, name);
    double rms = Math.sqrt(Arrays.stream(want).map(v -> v * v).average().orElseThrow());
    for (int i = 0; i < want.length; i++) {
      double off = Math.abs(got[i] - want[i]);
      String message = name + ": element " + i + " is " + got[i] + ", should be " + want[i];
      assertTrue(off <= TOLERANCE * (rms + Math.abs(want[i])), message);
    }
  }
}
