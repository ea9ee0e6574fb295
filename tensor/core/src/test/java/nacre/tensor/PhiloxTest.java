package nacre.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PhiloxTest {
  /** The known-answer vectors that Random123 publishes for philox4x32-10. */
  @Test
  void answersAsPublished() {
    assertArrayEquals(
        new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, block(0, 0, 0, 0, 0, 0));
    assertArrayEquals(
        new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, block(-1, -1, -1, -1, -1, -1));
    assertArrayEquals(
        new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
        block(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0));
  }

  private static int[] block(int c0, int c1, int c2, int c3, int k0, int k1) {
    int[] out = new int[4];
    Philox.block(c0, c1, c2, c3, k0, k1, out, 0);
    return out;
  }

  @Test
  void radiusAndAngleAreThoseOfTheLibraryToTheLastBitsOfADouble() {
    for (int k = 1; k <= 1 << 24; k += k < 1000 || k > (1 << 24) - 1000 ? 1 : 997) {
      double u = k * 0x1p-24;
      double radius = Math.sqrt(-2 * Math.log(u));
      assertEquals(radius, Philox.radius(k), 1e-14 * Math.max(radius, 1e-3), "k = " + k);
      assertEquals(Math.cos(2 * Math.PI * u), Philox.cosine(k), 1e-15, "k = " + k);
      assertEquals(Math.sin(2 * Math.PI * u), Philox.sine(k), 1e-15, "k = " + k);
    }
    assertEquals(0, Philox.radius(1 << 24), 0.0);
  }

  @Test
  void anElementDoesNotDependOnWhereTheArrayBegins() {
    float[] all = new float[100];
    Philox.normal(7, 3, 0, all);
    float[] uniform = new float[100];
    Philox.uniform(7, 3, 0, uniform);
    for (int first = 0; first < 9; first++) {
      float[] part = new float[50];
      Philox.normal(7, 3, first, part);
      assertArrayEquals(Arrays.copyOfRange(all, first, first + 50), part);
      Philox.uniform(7, 3, first, part);
      assertArrayEquals(Arrays.copyOfRange(uniform, first, first + 50), part);
    }
  }

  @Test
  void seedsStreamsAndHighHalvesAllCount() {
    long[][] keys = {{1, 0}, {2, 0}, {1, 1}, {1L << 32 | 1, 0}, {1, 1L << 32}};
    for (int a = 0; a < keys.length; a++) {
      for (int b = 0; b < a; b++) {
        float[] x = new float[4];
        float[] y = new float[4];
        Philox.uniform(keys[a][0], keys[a][1], 0, x);
        Philox.uniform(keys[b][0], keys[b][1], 0, y);
        assertTrue(!Arrays.equals(x, y), "keys " + a + " and " + b);
      }
    }
    float[] near = new float[4];
    float[] far = new float[4];
    Philox.uniform(1, 0, 0, near);
    Philox.uniform(1, 0, 1L << 34, far);
    assertTrue(!Arrays.equals(near, far), "elements 2^34 apart share a block's low half");
  }

  @Test
  void momentsAreTheNormals() {
    float[] x = new float[1 << 20];
    Philox.normal(42, 0, 0, x);
    double[] moments = new double[5];
    for (float v : x) {
      for (int m = 1; m <= 4; m++) {
        moments[m] += Math.pow(v, m) / x.length;
      }
    }
    // Five standard errors of each moment's estimate.
    double error = 5 / Math.sqrt(x.length);
    assertEquals(0, moments[1], error);
    assertEquals(1, moments[2], error * Math.sqrt(2));
    assertEquals(0, moments[3], error * Math.sqrt(15));
    assertEquals(3, moments[4], error * Math.sqrt(96));
  }

  @Test
  void uniformLiesInItsHalfOpenInterval() {
    assertEquals(0x1p-24f, Philox.numerator(0) * 0x1p-24f);
    assertEquals(1f, Philox.numerator(-1) * 0x1p-24f);
    float[] x = new float[1 << 16];
    Philox.uniform(42, 0, 0, x);
    double mean = 0;
    for (float v : x) {
      assertTrue(v > 0 && v <= 1);
      mean += (double) v / x.length;
    }
    assertEquals(0.5, mean, 5 / Math.sqrt(12.0 * x.length));
  }
}
