package nacre.evaluation.baseline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.Rgb;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.weights.Sha256;
import org.junit.jupiter.api.Test;

/**
 * Pictures of baselines that need no weights, by their digests. Where one fails since the drawing
 * was changed, raise the method's version, and put the new digest beside it.
 */
class BaselineVersionsTest {
  private static String digest(EditingMethod method, int version) throws IOException {
    List<EditCase> cases = EditBenchmark.cases(14, 32, 3, 1);
    byte[] drawn = Rgb.bytes(method.draw(cases, 0, 0, () -> {}));
    return version + " " + Sha256.of(drawn).substring(0, 16);
  }

  @Test
  void copiesAreThoseOfTheirVersion() throws IOException {
    assertEquals("1 726647a3388fb695", digest(new Copy(), Copy.VERSION));
  }

  @Test
  void chainedPicturesAreThoseOfTheirVersion() throws IOException {
    assertEquals("1 f7c31fadf170125d", digest(new Chained(), Chained.VERSION));
  }
}
