package nacre.evaluation.metric;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
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
}
