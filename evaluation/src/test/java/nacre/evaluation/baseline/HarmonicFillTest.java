package nacre.evaluation.baseline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class HarmonicFillTest {
  private static final int SIZE = 33;
  private final HarmonicFill fill = new HarmonicFill();

  /** x, y and x·y solve Laplace's equation, also on a grid: a hole is filled with the same. */
  @Test
  void harmonicPicturesAreRestored() {
    float[] picture = new float[SIZE * SIZE * 3];
    boolean[] hole = new boolean[SIZE * SIZE];
    for (int i = 0; i < hole.length; i++) {
      float x = (float) (i % SIZE) / SIZE;
      float y = (float) (i / SIZE) / SIZE;
      picture[3 * i] = x;
      picture[3 * i + 1] = y;
      picture[3 * i + 2] = x * y;
      hole[i] = Math.hypot(x - 0.4, y - 0.55) < 0.25;
    }
    float[] holed = picture.clone();
    for (int i = 0; i < hole.length; i++) {
      if (hole[i]) {
        Arrays.fill(holed, 3 * i, 3 * i + 3, 7);
      }
    }
    assertArrayEquals(picture, fill.fill(holed, hole, SIZE, 0, () -> {}), 1e-3f);
  }

  @Test
  void aHoleAtTheEdgeIsFilledFromItsOtherSides() {
    float[] picture = new float[SIZE * SIZE * 3];
    boolean[] hole = new boolean[SIZE * SIZE];
    for (int i = 0; i < hole.length; i++) {
      picture[3 * i] = 0.25f;
      hole[i] = i % SIZE > 20;
      picture[3 * i + 1] = hole[i] ? 1 : 0;
    }
    float[] filled = fill.fill(picture, hole, SIZE, 0, () -> {});
    for (int i = 0; i < hole.length; i++) {
      assertEquals(0.25f, filled[3 * i], 1e-5f);
      assertEquals(0, filled[3 * i + 1], 1e-5f);
    }
  }

  @Test
  void nothingButHoleIsGray() {
    boolean[] hole = new boolean[SIZE * SIZE];
    Arrays.fill(hole, true);
    float[] filled = fill.fill(new float[SIZE * SIZE * 3], hole, SIZE, 0, () -> {});
    for (float value : filled) {
      assertEquals(0.5f, value, 1e-6f);
    }
  }
}
