package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Locale;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingConfig;
import org.junit.jupiter.api.Test;

class RunLengthTest {
  private final TrainingConfig demo = Preset.builtin("demo").training();

  @Test
  void theRateWarmsUpAndFallsToNothing() {
    int warm = demo.warmupSteps();
    int end = warm + 900;
    assertEquals(demo.learningRate() / warm, RunLength.rate(demo, 0, end), 1e-12);
    assertEquals(demo.learningRate(), RunLength.rate(demo, warm - 1, end), 1e-12);
    assertEquals(demo.learningRate() / 2, RunLength.rate(demo, warm + 450, end), 1e-12);
    assertEquals(0, RunLength.rate(demo, end, end), 1e-12);
  }

  @Test
  void whileTheLengthIsOpenTheRateIsWhatItWillHaveBeen() {
    for (long step = 0; step < 60; step++) {
      assertEquals(RunLength.rate(demo, step, 2500), RunLength.rate(demo, step, 0));
    }
  }

  @Test
  void aRunHasALength() {
    assertThrows(IllegalArgumentException.class, () -> new RunLength.Steps(0));
    assertEquals(1, new RunLength.Steps(1).total());
    assertThrows(IllegalArgumentException.class, () -> new RunLength.Minutes(0));
    assertThrows(
        IllegalArgumentException.class, () -> new RunLength.Minutes(Double.POSITIVE_INFINITY));
    assertThrows(IllegalArgumentException.class, () -> new RunLength.Minutes(Double.NaN));
  }

  /** The rate that it tells is the one of the next step in a run of the new length. */
  @Test
  void anExtensionTellsTheRateOfTheNextStep() {
    int warm = demo.warmupSteps();
    double half = demo.learningRate() / 2;
    long wanted = warm + 1000;
    String told = RunLength.extension(demo, warm + 500, warm + 900, wanted);
    assertTrue(told.startsWith((warm + 900) + " to " + wanted + " steps"), told);
    String rate = String.format(Locale.ROOT, "learning rate %.3g at step %d", half, warm + 501);
    assertTrue(told.contains(rate), told);
    String fixed = RunLength.extension(demo, warm + 500, 0, wanted);
    assertTrue(fixed.startsWith("now " + wanted + " steps"), fixed);
    assertTrue(fixed.endsWith("as if the run had had this length from the beginning"), fixed);
  }
}
