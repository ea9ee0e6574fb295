package nacre.neuralassets.evaluation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import nacre.neuralassets.data.BoxMask;
import org.junit.jupiter.api.Test;

class SimilarityTest {
  private static final int SIZE = 16;

  private static double[] picture(int ky, int kx, int kc, int kyx) {
    double[] picture = new double[SIZE * SIZE * 3];
    for (int y = 0; y < SIZE; y++) {
      for (int x = 0; x < SIZE; x++) {
        for (int c = 0; c < 3; c++) {
          picture[(y * SIZE + x) * 3 + c] = (ky * y + kx * x + kc * c + kyx * y * x) % 32 / 31.0;
        }
      }
    }
    return picture;
  }

  private final double[] one = picture(7, 13, 29, 0);
  private final double[] other = picture(5, 11, 17, 1);

  private static boolean[] box(float y0, float x0, float y1, float x1) {
    return BoxMask.of(new float[] {y0 / SIZE, x0 / SIZE, y1 / SIZE, x1 / SIZE}, 0, 1, SIZE);
  }

  /** Expected values: the definitions of Wang et al., written down in NumPy. */
  @Test
  void valuesAwayFromTheEdgesAreThoseOfTheDefinition() {
    Similarity inner = Similarity.of(one, other, box(5, 5, 11, 11), SIZE);
    assertEquals(7.302524306746561, inner.psnr(), 1e-9);
    assertEquals(-0.03017278949862627, inner.ssim(), 1e-9);
    assertEquals(
        0.05595290872925229, Similarity.of(one, other, box(7, 8, 8, 9), SIZE).ssim(), 1e-9);
  }

  @Test
  void equalPicturesAreAsAlikeAsCanBe() {
    Similarity same = Similarity.of(one, one, box(0, 0, 16, 16), SIZE);
    assertEquals(50, same.psnr(), 1e-9);
    assertEquals(1, same.ssim(), 1e-9);
  }

  @Test
  void whatLiesOutsideOfTheMaskDoesNotCountForPsnr() {
    double[] changed = one.clone();
    Arrays.fill(changed, 0, 3 * SIZE, 0);
    boolean[] below = box(1, 0, 16, 16);
    assertEquals(50, Similarity.of(one, changed, below, SIZE).psnr(), 1e-9);
  }

  @Test
  void masksAreUnionsOfRoundedBoxes() {
    // 2.5 rounds to 2, 3.5 to 4: half to even, as the model's masks.
    float[] boxes = {2.5f / 8, 0, 3.5f / 8, 2f / 8, 0, 7f / 8, 1f / 8, 1, 0, 0, 0, 0};
    boolean[] mask = BoxMask.of(boxes, 0, 3, 8);
    boolean[] wanted = new boolean[64];
    for (int y = 2; y < 4; y++) {
      wanted[8 * y] = true;
      wanted[8 * y + 1] = true;
    }
    wanted[7] = true;
    assertArrayEquals(wanted, mask);
  }
}
