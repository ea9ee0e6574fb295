package nacre.distributed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks that are lost: all end, soon, with a line that names the one, and none is left. */
@EnabledIf("nacre.distributed.Mpirun#isHere")
@Execution(ExecutionMode.CONCURRENT)
class WatchTest {
  private static final int RANKS = 3;

  private static Mpirun.Running start(String what, int where) throws Exception {
    return Mpirun.of(RANKS)
        .java("-Dnacre.rank.timeout=5", "-XX:TieredStopAtLevel=1")
        .start(WatchedProgram.class.getName(), List.of(what, "" + where));
  }

  private static void assertNoneIsLeft(Mpirun.Running running) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!running.left().isEmpty() && System.nanoTime() < end) {
      Thread.sleep(50);
    }
    assertEquals(List.of(), running.left(), running.text());
  }

  private static List<String> lines(String text, String part) {
    return text.lines().filter(line -> line.contains(part)).toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void aRankThatIsKilledEndsAll(int victim) throws Exception {
    try (Mpirun.Running running = start("nothing", -1)) {
      ProcessHandle process = running.rank(victim);
      running.awaitText("step 10.");
      Mpirun.Running.signal(process, "KILL");
      Mpirun.Outcome outcome = running.await(30);
      assertTrue(outcome.status() != 0, outcome.text());
      // The launcher sees it, too, but not always which process it was.
      String line = "failed: rank " + victim + " (process " + process.pid() + " on ";
      List<String> named = lines(outcome.text(), "mpirun noticed that process rank " + victim);
      assertTrue(named.size() + lines(outcome.text(), line).size() > 0, outcome.text());
      assertTrue(lines(outcome.text(), "failed: ").size() <= 1, outcome.text());
      assertNoneIsLeft(running);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void aRankThatStandsStillEndsAll(int victim) throws Exception {
    try (Mpirun.Running running = start("nothing", -1)) {
      ProcessHandle process = running.rank(victim);
      running.awaitText("step 10.");
      Mpirun.Running.signal(process, "STOP");
      Mpirun.Outcome outcome = running.await(30);
      assertEquals(3, outcome.status(), outcome.text());
      String line = "failed: rank " + victim + " (process " + process.pid() + " on ";
      assertEquals(1, lines(outcome.text(), "failed: ").size(), outcome.text());
      assertEquals(1, lines(outcome.text(), line).size(), outcome.text());
      assertTrue(outcome.text().contains("has not been heard of for"), outcome.text());
      assertNoneIsLeft(running);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void aRankThatOthersWaitForInAnExchangeEndsAll(int victim) throws Exception {
    try (Mpirun.Running running = start("hang", victim)) {
      ProcessHandle process = running.rank(victim);
      Mpirun.Outcome outcome = running.await(60);
      assertEquals(3, outcome.status(), outcome.text());
      String line = "failed: rank " + victim + " (process " + process.pid() + " on ";
      assertEquals(1, lines(outcome.text(), "failed: ").size(), outcome.text());
      assertEquals(1, lines(outcome.text(), line).size(), outcome.text());
      assertTrue(outcome.text().contains("hangs: others wait for it"), outcome.text());
      assertNoneIsLeft(running);
    }
  }

  @Test
  void aRankThatHangsInTheFirstStepIsLeftTenTimesAsLong() throws Exception {
    try (Mpirun.Running running = start("hang-first", 1)) {
      ProcessHandle process = running.rank(1);
      long start = System.nanoTime();
      Mpirun.Outcome outcome = running.await(90);
      assertTrue(System.nanoTime() - start > 50e9, outcome.text());
      assertEquals(3, outcome.status(), outcome.text());
      String line = "failed: rank 1 (process " + process.pid() + " on ";
      assertEquals(1, lines(outcome.text(), "failed: ").size(), outcome.text());
      assertEquals(1, lines(outcome.text(), line).size(), outcome.text());
      assertTrue(outcome.text().contains(", in the first step"), outcome.text());
      assertNoneIsLeft(running);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void aLossThatIsNoNumberEndsAll(int victim) throws Exception {
    try (Mpirun.Running running = start("nan", victim)) {
      running.rank(victim);
      Mpirun.Outcome outcome = running.await(60);
      assertEquals(3, outcome.status(), outcome.text());
      assertEquals(
          List.of("failed: rank " + victim + ": the loss is NaN in step 10"),
          lines(outcome.text(), "failed: "));
      assertNoneIsLeft(running);
    }
  }

  @Test
  void ranksThatAllStoodStillGoOn() throws Exception { // as on a machine that was suspended
    try (Mpirun.Running running = start("nothing", -1)) {
      running.awaitText("step 10.");
      for (int rank = 0; rank < RANKS; rank++) {
        Mpirun.Running.signal(running.rank(rank), "STOP");
      }
      Thread.sleep(7000);
      for (int rank = 0; rank < RANKS; rank++) {
        Mpirun.Running.signal(running.rank(rank), "CONT");
      }
      int step = 10 * lines(running.text(), "step ").size();
      running.awaitText("step " + (step + 200) + ".");
      assertEquals(List.of(), lines(running.text(), "failed: "));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"KILL", "TERM"})
  void aLauncherThatIsKilledLeavesNoRank(String signal) throws Exception {
    try (Mpirun.Running running = start("nothing", -1)) {
      running.rank(0);
      running.awaitText("step 10.");
      Mpirun.Running.signal(running.launcher(), signal);
      running.await(30);
      assertNoneIsLeft(running);
    }
  }
}
