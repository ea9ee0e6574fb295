package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The time of a run, and what is believed of its pace. */
class RunClockTest {
  private long now = 12_345;

  private RunClock clock(double before) {
    return new RunClock(before, () -> now);
  }

  private void step(RunClock clock, double seconds) {
    now += Math.round(seconds * 1e9);
    clock.step();
  }

  @Test
  void whatComesBeforeTrainingIsNoTimeOfTheRun() {
    RunClock clock = clock(7);
    now += 1_000_000_000_000L; // a data set is encoded
    assertEquals(7, clock.elapsed());
    clock.start();
    assertEquals(7, clock.elapsed());
    step(clock, 2.5);
    assertEquals(9.5, clock.elapsed(), 1e-9);
  }

  @Test
  void thePaceIsThatOfTheStepsAfterTheFirst() {
    RunClock clock = clock(0);
    clock.start();
    for (int i = 0; i < RunClock.WARM_UP; i++) {
      step(clock, 3);
    }
    for (int i = 0; i < RunClock.MEASURED - 1; i++) {
      assertFalse(clock.isToBeFixed(1e6));
      step(clock, i % 2 == 0 ? 0.1 : 0.3);
    }
    assertFalse(clock.isToBeFixed(1e6));
    step(clock, 0.3);
    assertTrue(clock.isToBeFixed(1e6));
    assertEquals(0.2, clock.secondsPerStep(), 1e-9);
  }

  /** A run that is resumed at its 59th step begins to measure. */
  @Test
  void stepsOfEarlierStartsAreNotCounted() {
    RunClock clock = clock(100);
    clock.start();
    step(clock, 5);
    assertFalse(clock.isToBeFixed(60));
  }

  /** Half of the time is not waited for the pace, but for the end of the first steps. */
  @Test
  void whereStepsAreSlowFewerOfThemMustDo() {
    RunClock clock = clock(0);
    clock.start();
    double minutes = 1;
    for (int i = 0; i < RunClock.WARM_UP; i++) {
      step(clock, i < 10 ? 2.5 : 1);
      assertFalse(clock.isToBeFixed(minutes), "after " + clock.elapsed());
    }
    assertEquals(35, clock.elapsed(), 1e-9);
    step(clock, 1);
    assertTrue(clock.isToBeFixed(minutes));
    assertEquals(1, clock.secondsPerStep(), 1e-9);
  }

  /** Of first steps alone the later half counts, whose median no single one moves. */
  @Test
  void whereTheyAreVerySlowTheFirstStepsMustDo() {
    RunClock clock = clock(0);
    clock.start();
    double minutes = 1;
    double[] seconds = {20, 8, 3, 1, 9, 2, 3};
    for (double each : seconds) {
      assertFalse(clock.isToBeFixed(minutes));
      step(clock, each);
    }
    assertTrue(clock.isToBeFixed(minutes));
    assertEquals(3, clock.secondsPerStep(), 1e-9);
  }
}
