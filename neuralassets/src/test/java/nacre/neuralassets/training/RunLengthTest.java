package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import nacre.neuralassets.model.Preset;
import org.junit.jupiter.api.Test;

class RunLengthTest {
  private final Preset.Training demo = Preset.builtin("demo").training();

  @Test
  void theRateWarmsUpAndFallsToNothing() {
    assertEquals(demo.learningRate() / 100, RunLength.rate(demo, 0, 1000), 1e-12);
    assertEquals(demo.learningRate(), RunLength.rate(demo, 99, 1000), 1e-12);
    assertEquals(demo.learningRate() / 2, RunLength.rate(demo, 100 + 450, 1000), 1e-12);
    assertEquals(0, RunLength.rate(demo, 1000, 1000), 1e-12);
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
