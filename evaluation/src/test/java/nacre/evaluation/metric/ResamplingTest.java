package nacre.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.io.IOException;
import nacre.diffusion.image.PillowFilter;
import nacre.diffusion.image.RgbImage;
import nacre.evaluation.Rgb;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Resized pictures against PyTorch's, larger and smaller, along each axis. */
class ResamplingTest {
  @ParameterizedTest
  @EnumSource
  void picturesArePyTorchs(Resampling resampling) throws IOException {
    float[] x = Expected.tensor("resized", "x");
    for (int[] size : new int[][] {{7, 20}, {26, 5}, {13, 12}}) {
      float[] wanted = Expected.tensor("resized", resampling + "." + size[0] + "x" + size[1]);
      assertArrayEquals(wanted, resampling.resize(x, 13, 9, size[0], size[1]), 1e-6f);
    }
    assertSame(x, resampling.resize(x, 13, 9, 13, 9));
  }

  /** To the bit, since Pillow rounds to 8 bits after each axis. */
  @ParameterizedTest
  @CsvSource({"7, 20", "26, 5", "13, 12"})
  void bytesArePillows(int high, int wide) throws IOException {
    RgbImage image = new RgbImage(Rgb.bytes(Expected.tensor("resized", "x")), 9, 13);
    float[] wanted = Expected.tensor("resized", "BICUBIC." + high + "x" + wide);
    byte[] resized = image.resize(wide, high, PillowFilter.BICUBIC).rgb();
    for (int i = 0; i < wanted.length; i++) {
      assertEquals(wanted[i], resized[i] & 0xFF, "value " + i);
    }
  }
}
