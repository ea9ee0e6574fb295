package nacre.cli;

import static nacre.cli.RankedRuns.assertLosses;
import static nacre.cli.RankedRuns.of;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import nacre.distributed.Mpirun;
import nacre.neuralassets.training.Checkpoint;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code nacre train} as several processes, which Open MPI starts on this machine. */
@EnabledIf("nacre.distributed.Mpirun#isHere")
class RankedTrainingTest {
  private static final int STEPS = 200;

  @TempDir private static Path folder;

  private static Map<Long, Double> losses;

  @BeforeAll
  static void oneProcess() throws Exception {
    Path alone = folder.resolve("alone");
    Mpirun.Outcome outcome = of(1).run(Nacre.class.getName(), train(alone));
    assertEquals(0, outcome.status(), outcome.text());
    losses = RankedRuns.losses(alone);
    assertEquals(STEPS / RunLog.EVERY, losses.size());
  }

  private static List<String> train(Path out, String... more) {
    List<String> words =
        new ArrayList<>(
            List.of("train", "--out", out.toString(), "--steps", Integer.toString(STEPS)));
    words.addAll(List.of("--no-sheet", "--eval-pairs", "0"));
    words.addAll(List.of(more));
    if (!words.contains("--preset")) {
      words.addAll(List.of("--preset", "tiny"));
    }
    return words;
  }

  /** How many lines say what went wrong. */
  private static long told(String text) {
    return text.lines().filter(line -> line.contains("nacre: ")).count();
  }

  @ParameterizedTest
  @CsvSource({"2, none, 1", "4, gradients, 1", "2, optimizer, 2"})
  void trainWhatOneProcessDoes(int ranks, String shard, int parts) throws Exception {
    Path preset = folder.resolve(shard + ".json");
    Files.writeString(
        preset,
        String.format(
            "{\"extends\": \"tiny\", \"training\": {\"shard\": \"%s\","
                + " \"gradient_accumulation_steps\": %d}}",
            shard, parts));
    Path out = folder.resolve(shard);
    Mpirun.Outcome outcome =
        of(ranks).run(Nacre.class.getName(), train(out, "--preset", preset.toString()));
    assertEquals(0, outcome.status(), outcome.text());
    assertTrue(outcome.text().contains("ranks   " + ranks + ", Open MPI"), outcome.text());
    assertEquals(1, outcome.text().lines().filter(l -> l.startsWith("saved")).count());
    assertLosses(losses, out);
  }

  @Test
  void aKilledRankEndsAllAndAnyNumberOfRanksGoesOn() throws Exception {
    Path killed = folder.resolve("killed");
    try (Mpirun.Running run =
        of(2).start(Nacre.class.getName(), train(killed, "--checkpoint-minutes", "0.01"))) {
      while (new RunFolder(killed).newest().filter(c -> c.step() > 20).isEmpty()) {
        Thread.sleep(20);
      }
      int rank = new Random(3).nextInt(2);
      run.rank(1 - rank);
      Mpirun.Running.signal(run.rank(rank), "KILL");
      assertTrue(run.await(60).status() != 0, run.text());
      for (int i = 0; i < 100 && !run.left().isEmpty(); i++) {
        Thread.sleep(50);
      }
      assertEquals(List.of(), run.left());
      // Where Open MPI ends the others first, it is the one to tell.
      assertTrue(run.text().contains("rank " + rank), run.text());
      assertTrue(told(run.text()) <= 1, run.text());
    }
    Checkpoint last = new RunFolder(killed).newest().orElseThrow();
    assertTrue(last.step() < STEPS, last.name());
    last.verify();
    for (int ranks : new int[] {1, 2, 4}) {
      Path copy = folder.resolve("resumed-" + ranks);
      TinyModel.copy(killed, copy);
      List<String> words = List.of("train", "--resume", "--out", copy.toString(), "--no-sheet");
      List<String> all = new ArrayList<>(words);
      all.addAll(List.of("--preset", "tiny", "--eval-pairs", "4"));
      Mpirun.Outcome outcome = of(ranks).run(Nacre.class.getName(), all);
      assertEquals(0, outcome.status(), outcome.text());
      assertLosses(losses, copy);
    }
  }

  /** What all have found is said once; what one has found names its rank. */
  @Test
  void failuresAreToldOnce() throws Exception {
    Mpirun.Outcome parts = of(3).run(Nacre.class.getName(), train(folder.resolve("parts")));
    assertEquals(1, told(parts.text()), parts.text());
    assertTrue(
        parts.text().contains("training.batch_size is 8, which 3 processes cannot divide"),
        parts.text());
    Mpirun.Outcome other =
        of(2).run(Nacre.class.getName(), List.of("weights", "inspect", "/nowhere"));
    assertTrue(other.text().contains("does not divide its work among processes"), other.text());
    assertEquals(1, told(other.text()), other.text());
  }
}
