package nacre.cli;

import static nacre.cli.RankedRuns.assertLosses;
import static nacre.cli.RankedRuns.of;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import nacre.distributed.Mpirun;
import nacre.neuralassets.training.Checkpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training of several ranks, one of which is ended by signal 9 at a random moment, from the start
 * of its process to the end of the run, and which goes on from there on two or four ranks: {@code
 * -Dnacre.kills=20} times, or once.
 */
@EnabledIf("nacre.distributed.Mpirun#isHere")
class KilledRanksTest {
  private static final int STEPS = 200;
  private static final int KILLS = Integer.getInteger("nacre.kills", 1);

  /** A start of two to four processes on two cores, and the steps, take less. */
  private static final int LATEST_MILLIS = 12_000;

  private final Random random = new Random(Long.getLong("nacre.seed", 15));
  private int kills;

  @TempDir private Path folder;

  private static List<String> train(Path out) throws IOException {
    List<String> words = new ArrayList<>(List.of("train", "--out", out.toString()));
    words.addAll(List.of("--preset", "tiny", "--steps", "" + STEPS, "--no-sheet"));
    words.addAll(List.of("--eval-pairs", "0", "--checkpoint-minutes", "0.01"));
    if (newest(out) >= 0) {
      words.add("--resume");
    }
    return words;
  }

  @Test
  void nothingIsLostAndNobodyIsLeft() throws Exception {
    Path alone = folder.resolve("alone");
    Mpirun.Outcome one = of(1).run(Nacre.class.getName(), train(alone));
    assertEquals(0, one.status(), one.text());
    Map<Long, Double> wanted = RankedRuns.losses(alone);
    assertEquals(STEPS / RunLog.EVERY, wanted.size());
    for (int run = 0; kills < KILLS; run++) {
      Path out = folder.resolve("run-" + run);
      boolean finished = false;
      while (!finished) {
        finished = goOn(out);
      }
      assertLosses(wanted, out);
    }
  }

  /** Whether the run came to its end; once there were enough kills, it does. */
  private boolean goOn(Path out) throws Exception {
    int ranks = random.nextBoolean() ? 2 : 4;
    int victim = random.nextInt(ranks);
    int millis = random.nextInt(LATEST_MILLIS);
    long before = newest(out);
    String what =
        String.format(
            Locale.ROOT, "kill %d: rank %d of %d after %d ms, ", kills + 1, victim, ranks, millis);
    try (Mpirun.Running run = of(ranks).start(Nacre.class.getName(), train(out))) {
      ProcessHandle process = run.rank(victim);
      boolean killed = kills < KILLS && !endsWithin(run.launcher(), millis);
      if (killed) {
        Mpirun.Running.signal(process, "KILL");
      }
      Mpirun.Outcome outcome = run.await(killed ? 60 : 120);
      for (int i = 0; i < 100 && !run.left().isEmpty(); i++) {
        Thread.sleep(50);
      }
      assertEquals(List.of(), run.left(), what);
      long after = newest(out);
      assertTrue(after >= before, what + "had step " + before + ", has " + after);
      if (outcome.status() == 0) {
        return true;
      }
      assertTrue(killed, () -> what + "ended by itself: " + outcome.text());
      assertTrue(outcome.text().contains("rank " + victim), what + outcome.text());
      kills++;
      System.out.println(what + "at step " + before + " before and " + after + " behind");
      return false;
    }
  }

  private static boolean endsWithin(ProcessHandle process, int millis) throws Exception {
    try {
      process.onExit().get(millis, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  /** The step of the last checkpoint, whose every file is whole; −1 without one. */
  private static long newest(Path run) throws IOException {
    Optional<Checkpoint> newest =
        Files.exists(run) ? new RunFolder(run).newest() : Optional.empty();
    if (newest.isEmpty()) {
      return -1;
    }
    newest.get().verify();
    return newest.get().step();
  }
}
