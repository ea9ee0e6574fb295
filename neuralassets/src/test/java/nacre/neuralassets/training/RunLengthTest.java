package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import nacre.neuralassets.model.Preset;
import org.junit.jupiter.api.Test;

class RunLengthTest {
  private final Preset.Training demo = Preset.builtin("demo").training();

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
    for (long step = 0; step < RunLength.PACE_STEPS; step++) {
      assertEquals(RunLength.rate(demo, step, 2500), RunLength.rate(demo, step, 0));
    }
  }

  @Test
  void aRunHasALength() {
    assertThrows(IllegalArgumentException.class, () -> new RunLength.Steps(0));
    assertThrows(IllegalArgumentException.class, () -> new RunLength.Minutes(0));
    assertThrows(IllegalArgumentException.class, () -> new RunLength.Minutes(Double.NaN));
  }
}
