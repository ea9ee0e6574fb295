package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import nacre.cli.output.MetricsLog;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingConfig;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.RunState;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Resuming: from what is whole, as the run began, with its log, or longer. */
class ResumeTest {
  private static final int STEPS = 24;

  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path constant;
  private Path run;

  @BeforeAll
  static void preset() throws IOException {
    constant = shared.resolve("constant.json");
    Files.writeString(constant, tiny().replace("\"cosine\"", "\"constant\""));
  }

  @BeforeEach
  void name() {
    run = folder.resolve("run");
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static String tiny() {
    return Preset.builtin("tiny").json();
  }

  private static CommandLineRun train(Path out, Object... more) {
    List<Object> words = new ArrayList<>(List.of("train", "--no-sheet", "--out", out));
    words.addAll(Arrays.asList(more));
    if (!words.contains("--eval-pairs")) {
      words.addAll(List.of("--eval-pairs", 0));
    }
    return CommandLineRun.of(words.toArray());
  }

  private static CommandLineRun trained(Path out, Object... more) {
    CommandLineRun run = train(out, more);
    assertEquals(0, run.status(), run::err);
    return run;
  }

  private static String refused(Path out, Object... more) {
    CommandLineRun refused = train(out, more);
    assertEquals(1, refused.status(), refused::out);
    assertEquals(1, refused.complaints().size(), refused::err);
    return refused.err();
  }

  private static Checkpoint newest(Path run) throws IOException {
    return new RunFolder(run).newest().orElseThrow();
  }

  private static void assertSameBits(Path expected, Path actual) throws IOException {
    for (String file :
        List.of(
            "parameters.safetensors",
            "optimizer.safetensors",
            "ema/unet/diffusion_pytorch_model.safetensors")) {
      assertArrayEquals(
          Files.readAllBytes(newest(expected).folder().resolve(file)),
          Files.readAllBytes(newest(actual).folder().resolve(file)),
          file);
    }
  }

  private static void flip(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 5] ^= 0x10;
    Files.write(file, bytes);
  }

  /** The lines of a log without the speed, which is measured. */
  private static List<MetricsLog.Entry> log(Path run) throws IOException {
    List<MetricsLog.Entry> entries = new ArrayList<>();
    for (MetricsLog.Entry entry : MetricsLog.read(run.resolve("metrics.jsonl"))) {
      Map<String, Double> values = new java.util.LinkedHashMap<>(entry.values());
      values.remove("images_per_second");
      values.remove("data_seconds_per_step");
      entries.add(new MetricsLog.Entry(entry.step(), values));
    }
    return entries;
  }

  @Test
  void whereThereIsNoRunNothingBeginsAndNearOnesAreNamed() throws IOException {
    trained(folder.resolve("foxes"), "--preset", "tiny", "--steps", 1);
    String told = refused(folder.resolve("foxs"), "--preset", "tiny", "--resume");
    assertTrue(told.contains("foxs holds no run to resume"), told);
    assertTrue(told.contains(folder.resolve("foxes").toString()), told);
    assertFalse(Files.exists(folder.resolve("foxs")));
    for (int i = 0; i < 5; i++) { // others beside it, whose names are more alike
      trained(folder.resolve("h" + i), "--preset", "tiny", "--steps", 1);
    }
    Path home = Files.createDirectories(folder.resolve("h"));
    Files.move(folder.resolve("foxes"), home.resolve("foxes"));
    told = refused(home, "--preset", "tiny", "--resume");
    assertTrue(told.contains("runs are in " + home.resolve("foxes") + ","), told);
  }

  @Test
  void aDamagedCheckpointIsNamedAndTheOlderOneIsOffered() throws IOException {
    trained(run, "--preset", "tiny", "--steps", 6);
    trained(run, "--preset", "tiny", "--resume", "--steps", 12);
    Path whole = folder.resolve("whole");
    trained(whole, "--preset", "tiny", "--steps", 6);
    trained(whole, "--preset", "tiny", "--resume", "--steps", 12);
    assertEquals(2, Checkpoint.list(run.resolve("checkpoints")).size());
    for (String name : List.of("parameters.safetensors", "ema/preset.json", "state.json")) {
      Path file = newest(run).folder().resolve(name);
      byte[] before = Files.readAllBytes(file);
      flip(file);
      String told = refused(run, "--resume");
      assertTrue(told.contains(file + ": is damaged"), told);
      assertTrue(told.contains("--resume --checkpoint step-000000006 --out " + run), told);
      if (!name.equals("state.json")) {
        Files.write(file, before);
      }
    }
    CommandLineRun checked = CommandLineRun.of("verify-run", run);
    assertEquals(1, checked.status());
    assertTrue(checked.out().contains("whole    " + run), checked::out);
    assertTrue(checked.out().contains("DAMAGED  " + newest(run).folder()), checked::out);
    assertTrue(refused(run, "--resume", "--checkpoint", 7).contains("step-000000006"));
    CommandLineRun alone = CommandLineRun.of("train", "--out", run, "--checkpoint", 6);
    assertEquals(2, alone.status());
    assertTrue(alone.err().contains("--resume"), alone::err);

    CommandLineRun resumed =
        trained(run, "--resume", "--checkpoint", "step-000000006", "--steps", 12);
    assertTrue(resumed.out().contains("step-000000012.aside"), resumed::out);
    assertTrue(Files.isDirectory(run.resolve("checkpoints/step-000000012.aside")));
    assertEquals(0, CommandLineRun.of("verify-run", run).status());
    assertSameBits(whole, run);
  }

  @Test
  void withNoOtherCheckpointItSaysSo() throws IOException {
    trained(run, "--preset", "tiny", "--steps", 1);
    for (Checkpoint checkpoint : Checkpoint.list(run.resolve("checkpoints"))) {
      flip(checkpoint.folder().resolve("optimizer.safetensors"));
    }
    String told = refused(run, "--resume");
    assertTrue(told.contains("no older checkpoint that is whole"), told);
    assertEquals(2, Checkpoint.list(run.resolve("checkpoints")).size());
  }

  @Test
  void samplingAndEvaluatingFindDamageToo() throws IOException {
    trained(run, "--preset", "tiny", "--steps", 1);
    Path file = newest(run).model().resolve("asset_tokens/model.safetensors");
    flip(file);
    for (String command : List.of("sample", "eval")) {
      CommandLineRun refused = CommandLineRun.of(command, "--model", run);
      assertEquals(1, refused.status());
      assertTrue(refused.err().contains(file + ": is damaged"), refused::err);
    }
  }

  @Test
  void aCheckpointOfAnEarlierVersionGoesOnWithANote() throws IOException {
    trained(run, "--preset", "tiny", "--steps", 2);
    Files.delete(newest(run).folder().resolve("SHA256SUMS"));
    CommandLineRun resumed = trained(run, "--resume", "--steps", 3);
    assertTrue(resumed.out().contains("without digests"), resumed::out);
    CommandLineRun checked = CommandLineRun.of("verify-run", run);
    assertEquals(0, checked.status());
    assertTrue(checked.out().contains("unknown"), checked::out);
  }

  @Test
  void aLogDoesNotTellWhetherTheRunWasInterrupted() throws IOException {
    Path whole = folder.resolve("whole");
    trained(whole, "--preset", constant, "--steps", STEPS + 6);
    // Stops in the middle of a line's ten steps, and once after a kill that the log outlived.
    trained(run, "--preset", constant, "--steps", 7);
    assertEquals(7, newest(run).state().unlogged().steps());
    trained(run, "--resume", "--steps", 13);
    Files.writeString(
        run.resolve("metrics.jsonl"),
        "{\"step\":20,\"loss\":7}\n{\"step\":30,\"lo",
        StandardOpenOption.APPEND);
    trained(run, "--resume", "--steps", STEPS + 6);
    assertEquals(log(whole), log(run));
    assertEquals(3, log(run).size());
    assertEquals(RunState.LossSum.NONE, newest(run).state().unlogged());
  }

  @Test
  void aConstantRateExtendsARunToWhatItWouldHaveBeen() throws IOException {
    Path whole = folder.resolve("whole");
    trained(whole, "--preset", constant, "--steps", STEPS);
    trained(run, "--preset", constant, "--steps", STEPS / 2);
    CommandLineRun extended = trained(run, "--resume", "--steps", STEPS);
    assertTrue(extended.out().contains("extend  12 to 24 steps"), extended::out);
    assertTrue(extended.out().contains("as if the run had had this length"), extended::out);
    assertEquals(STEPS, newest(run).state().totalSteps());
    assertSameBits(whole, run);
  }

  @Test
  void aCosineIsStretchedAndItIsSaid() throws IOException {
    trained(run, "--preset", "tiny", "--steps", 15);
    CommandLineRun extended = trained(run, "--resume", "--steps", 30);
    TrainingConfig training = Preset.builtin("tiny").training();
    assertTrue(extended.out().contains("15 to 30 steps"), extended::out);
    assertTrue(extended.out().contains("0.00171 at step 16 (0.00 with"), extended::out);
    assertEquals(0.00171, RunLength.rate(training, 15, 30), 5e-6);
    List<MetricsLog.Entry> log = log(run);
    assertEquals(
        RunLength.rate(training, 9, 15), log.getFirst().values().get("learning_rate"), 1e-12);
    for (int line : new int[] {1, 2}) {
      assertEquals(
          RunLength.rate(training, 10 * line + 9, 30),
          log.get(line).values().get("learning_rate"),
          1e-12);
    }
    String told = refused(run, "--resume", "--steps", 20);
    assertTrue(told.contains("longer, not shorter"), told);
  }

  @Test
  void aFinishedRunIsEvaluatedOnce() throws IOException {
    trained(run, "--preset", "tiny", "--steps", 2, "--eval-pairs", 2);
    byte[] before = Files.readAllBytes(run.resolve("eval.json"));
    CommandLineRun again = trained(run, "--resume", "--eval-pairs", 2);
    assertTrue(again.out().contains("eval    as before"), again::out);
    assertArrayEquals(before, Files.readAllBytes(run.resolve("eval.json")));
    CommandLineRun more = trained(run, "--resume", "--eval-pairs", 3);
    assertFalse(more.out().contains("as before"), more::out);
    CommandLineRun longer = trained(run, "--resume", "--steps", 3, "--eval-pairs", 3);
    assertFalse(longer.out().contains("as before"), longer::out);
    assertNotEquals(new String(before), Files.readString(run.resolve("eval.json")));
  }

  @Test
  void noLogKeepsARunFromGoingOn() throws IOException {
    trained(run, "--preset", constant, "--steps", 10);
    Path metrics = run.resolve("metrics.jsonl");
    Files.write(metrics, new byte[] {(byte) 0xff}, StandardOpenOption.APPEND);
    Path events = run.resolve("events");
    try (var files = Files.list(events)) {
      flip(files.findFirst().orElseThrow());
    }
    CommandLineRun resumed = trained(run, "--resume", "--steps", 20);
    assertTrue(resumed.out().contains("kept as metrics.jsonl.aside"), resumed::out);
    assertEquals(List.of(10L, 20L), log(run).stream().map(MetricsLog.Entry::step).toList());

    Files.delete(metrics);
    Files.createDirectory(metrics);
    Files.move(events, run.resolve("before"));
    Files.writeString(events, "mine");
    Files.createDirectory(run.resolve("samples.png"));
    Files.delete(run.resolve("loss.png"));
    Files.createDirectories(run.resolve("loss.png/mine"));
    resumed = trained(run, "--resume", "--steps", 30);
    for (String word :
        List.of("kept as metrics.jsonl.aside-2", "kept as events.aside", "loss.png")) {
      assertTrue(resumed.out().contains(word), resumed::out);
    }
    assertEquals(List.of(30L), log(run).stream().map(MetricsLog.Entry::step).toList());
    assertEquals("mine", Files.readString(run.resolve("events.aside")));
    try (var files = Files.list(events)) {
      assertEquals(1, files.count());
    }
  }
}
