package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class HistogramTest {
  @Test
  void valuesAreCountedInEqualParts() {
    double[] values = {0, 0.1, 0.25, 0.5, 0.99, 1, Double.NaN};
    assertArrayEquals(new int[] {2, 1, 1, 2}, new Histogram("x", values).counts(0, 1, 4));
  }

  @Test
  void emptyAndConstantOnesAreDrawn() {
    List<Histogram> all =
        List.of(
            new Histogram("none", new double[0]),
            new Histogram("one", new double[] {3}),
            new Histogram("same", new double[] {0.5, 0.5}),
            new Histogram("no number", new double[] {Double.POSITIVE_INFINITY}));
    assertEquals(3 * 358 + 29, Histogram.draw("all", all).getWidth());
  }
}
