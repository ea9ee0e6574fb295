package nacre.cli.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static Comparison of(float actual, float expected, double smallestDivisor) {
    float[] a = {actual, 4};
    float[] b = {expected, 4};
    return Comparison.of("t", a, b, smallestDivisor, 0.1);
  }

  @Test
  void errorIsRelativeToTheNorm() {
    Comparison result = of(3.5f, 3, 5);
    assertEquals(0.1, result.relativeError(), 1e-12);
    assertEquals(0.5, result.largestDifference());
    assertTrue(result.passed());
    assertFalse(of(3.51f, 3, 5).passed());
  }

  @Test
  void smallNormsHaveAnotherDivisor() {
    // The tensor's own norm is 5.
    assertEquals(0.01, of(3.5f, 3, 50).relativeError(), 1e-12);
  }

  @Test
  void whatIsNoNumberFails() {
    assertFalse(of(Float.NaN, 3, 5).passed());
    assertFalse(of(Float.POSITIVE_INFINITY, 3, 5).passed());
    assertFalse(of(3, Float.NaN, 5).passed());
    assertFalse(Comparison.absent("t", 0.1).passed());
  }

  @Test
  void worseWins() {
    Comparison good = of(3, 3, 5);
    Comparison bad = of(4, 3, 5);
    Comparison none = of(Float.NaN, 3, 5);
    assertEquals(bad, good.worse(bad));
    assertEquals(bad, bad.worse(good));
    assertEquals(none, bad.worse(none));
    assertEquals(none, none.worse(bad));
  }
}
