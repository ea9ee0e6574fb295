package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import nacre.cli.output.MetricsLog;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.ClipSplit;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.StoredClips;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingConfig;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.weights.StateDict;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scene folders: rendering into them, training on some of them, evaluating on the others. */
class OwnDataTest {
  private static final int CLIPS = 5;

  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path scenes;
  private static Path preset;
  private Path run;

  @BeforeAll
  static void render() throws IOException {
    scenes = shared.resolve("scenes");
    render(scenes, "--size", 16, "--clips", CLIPS, "--max-objects", 3);
    preset = shared.resolve("two.json");
    String json = Preset.builtin("tiny").json();
    Files.writeString(
        preset, json.replace("\"validation\": 0.1", "\"validation\": 2, \"validation_steps\": 4"));
  }

  @BeforeEach
  void name() {
    run = folder.resolve("run");
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static CommandLineRun of(List<Object> words, Object... more) {
    List<Object> all = new ArrayList<>(words);
    all.addAll(Arrays.asList(more));
    return CommandLineRun.of(all.toArray());
  }

  private static CommandLineRun render(Path out, Object... more) {
    CommandLineRun rendered = of(List.of("data", "render", "--out", out), more);
    assertEquals(0, rendered.status(), rendered::err);
    return rendered;
  }

  private static String renderRefused(Path out, Object... more) {
    CommandLineRun refused = of(List.of("data", "render", "--out", out), more);
    assertEquals(1, refused.status(), refused::out);
    assertEquals(1, refused.complaints().size(), refused::err);
    return refused.err();
  }

  private CommandLineRun train(Path data, Object... more) {
    CommandLineRun trained =
        of(List.of("train", "--preset", preset, "--data", data, "--out", run), more);
    assertEquals(0, trained.status(), trained::err);
    return trained;
  }

  private static List<String> named(List<MetricsLog.Entry> log, String key) {
    return log.stream()
        .filter(entry -> entry.values().containsKey(key))
        .map(entry -> entry.step() + " " + entry.values().get(key))
        .toList();
  }

  @Test
  void scenesOfOtherOptionsAreNotMixed() throws IOException {
    Path out = folder.resolve("scenes");
    render(out, "--size", 16, "--clips", 2);
    byte[] before = Files.readAllBytes(out.resolve("scene_00001/frame_000.png"));
    for (Object[] other :
        new Object[][] {
          {"--size", 64, "16, not 64"},
          {"--seed", 1, "0, not 1"},
          {"--samples", 2, "3, not 2"},
          {"--min-objects", 3, "2, not 3"},
          {"--max-objects", 4, "6, not 4"}
        }) {
      Object[] size = other[0].equals("--size") ? new Object[0] : new Object[] {"--size", 16};
      List<Object> words = new ArrayList<>(List.of("--clips", 3, other[0], other[1]));
      words.addAll(Arrays.asList(size));
      String told = renderRefused(out, words.toArray());
      assertTrue(told.contains("scene_00000: was rendered with " + other[0]), told);
      assertTrue(told.contains(other[2].toString()), told);
      assertFalse(Files.exists(out.resolve("scene_00002")));
    }
    render(out, "--size", 16, "--clips", 3);
    assertTrue(Files.exists(out.resolve("scene_00002/scene.json")));
    assertArrayEquals(before, Files.readAllBytes(out.resolve("scene_00001/frame_000.png")));
  }

  @Test
  void aFolderInAFramesPlaceIsNamed() throws IOException {
    Path frame = folder.resolve("scenes/scene_00000/frame_002.png");
    Files.createDirectories(frame);
    String told = renderRefused(folder.resolve("scenes"), "--size", 16, "--clips", 1);
    assertTrue(told.contains("cannot write " + frame), told);
  }

  @Test
  void aFullDiskIsToldWithTheFile() throws Exception {
    org.junit.jupiter.api.Assumptions.assumeTrue(Files.exists(Path.of("/dev/full")));
    Path frame = folder.resolve("scenes/scene_00000/frame_001.png");
    Files.createDirectories(frame.getParent());
    Files.createSymbolicLink(frame, Path.of("/dev/full"));
    String told = renderRefused(folder.resolve("scenes"), "--size", 16, "--clips", 1);
    assertTrue(told.contains("cannot write " + frame + ": No space left"), told);
  }

  @Test
  void whatIsHeldOutIsWatchedEvaluatedAndRemembered() throws IOException {
    CommandLineRun trained = train(scenes, "--steps", 10, "--eval-pairs", 4, "--no-sheet");
    assertTrue(trained.out().contains("3 clips, 36 frames"), trained::out);
    assertTrue(trained.out().contains("2 held out (data.validation 2): scene_"), trained::out);
    assertTrue(trained.out().contains("on the held-out clips"), trained::out);
    assertTrue(trained.out().contains("2 pairs of held-out clips"), trained::out);
    List<MetricsLog.Entry> log = MetricsLog.read(run.resolve("metrics.jsonl"));
    List<String> losses = named(log, "validation_loss");
    assertEquals(List.of("4", "8", "10"), losses.stream().map(line -> line.split(" ")[0]).toList());
    JsonNode eval = new JsonMapper().readTree(run.resolve("eval.json").toFile());
    assertEquals(2, eval.path("pairs").intValue());
    Checkpoint last = new RunFolder(run).newest().orElseThrow();
    assertEquals(2, last.state().heldOut().size());

    // Interrupted, the same lines; and in a data set that has grown, the same clips held out.
    Path more = folder.resolve("more");
    render(more, "--size", 16, "--clips", CLIPS, "--max-objects", 3);
    Path whole = run;
    run = folder.resolve("interrupted");
    train(more, "--steps", 6, "--eval-pairs", 0, "--no-sheet");
    Checkpoint half = new RunFolder(run).newest().orElseThrow();
    assertEquals(last.state().heldOut(), half.state().heldOut());
    render(more, "--size", 16, "--clips", CLIPS + 6, "--max-objects", 3);
    CommandLineRun resumed =
        CommandLineRun.of(
            "train", "--resume", "--out", run, "--steps", 10, "--eval-pairs", 0, "--no-sheet");
    assertEquals(0, resumed.status(), resumed::err);
    assertTrue(resumed.out().contains("9 clips, 108 frames"), resumed::out);
    Checkpoint end = new RunFolder(run).newest().orElseThrow();
    assertEquals(last.state().heldOut(), end.state().heldOut());
    assertEquals(
        losses.getFirst(),
        named(MetricsLog.read(run.resolve("metrics.jsonl")), "validation_loss").getFirst());
    assertTrue(Files.exists(whole));
  }

  /**
   * A run from the command line is the loop that anybody can write with the library: the pairs of
   * each step, and the rate of each step, to the bit.
   */
  @Test
  void aRunIsTheLoopOfTheLibrary() throws IOException {
    train(scenes, "--steps", 8, "--eval-pairs", 0, "--no-sheet", "--seed", 3);
    Path written =
        new RunFolder(run).newest().orElseThrow().folder().resolve("parameters.safetensors");
    Preset mine = Preset.read(preset);
    DataConfig config = DataConfig.of(mine.data().orElseThrow());
    ClipSplit split = ClipSplit.of(StoredClips.find(scenes), config, List.of());
    ClipPool pool = new ClipPool(split.training(), config, mine.imageSize());
    TrainingConfig training = mine.training();
    try (Trainer trainer = new Trainer(mine, Device.cpu(), 3);
        StateDict expected = StateDict.open(written)) {
      var diffusion =
          new PairSampler.Diffusion(
              training.dropProbability(), trainer.timesteps(), training.timestepPower());
      PairSampler sampler = new PairSampler(pool, config, diffusion, 3, mine.imageSize());
      for (int step = 0; step < 8; step++) {
        double rate = RunLength.rate(training, step, 8);
        trainer.step(sampler.batch(step, training.batchSize()), rate);
      }
      try (Trainer loaded = new Trainer(mine, Device.cpu(), 0)) {
        expected.loadInto(loaded.parameters());
        trainer
            .parameters()
            .forEach(
                (name, tensor) ->
                    assertArrayEquals(
                        loaded.parameters().get(name).toFloats(), tensor.toFloats(), name));
      }
    }
  }

  @Test
  void evaluatingOnFewerScenesThanAskedForIsSaid() {
    train(scenes, "--steps", 1, "--eval-pairs", 0, "--no-sheet");
    List<Object> eval = List.of("eval", "--model", run, "--data", scenes, "--steps", 1);
    CommandLineRun told = of(eval, "--pairs", 100);
    assertEquals(0, told.status(), told::err);
    assertTrue(told.out().contains("2 of 100: " + scenes + " holds no more scenes"), told::out);
    CommandLineRun enough = of(eval, "--pairs", 2);
    assertFalse(enough.out().contains("no more scenes"), enough::out);
    assertTrue(enough.out().contains("2 pairs of"), enough::out);
  }

  /** As at the end of the run, which evaluates on the scenes that it held out. */
  @Test
  void scenesOnWhichTheRunTrainedAreNotEvaluated() throws IOException {
    train(scenes, "--steps", 3, "--eval-pairs", 4, "--no-sheet");
    JsonNode atTheEnd = new JsonMapper().readTree(run.resolve("eval.json").toFile());
    CommandLineRun again = CommandLineRun.of("eval", "--model", run, "--data", scenes, "--json");
    assertEquals(0, again.status(), again::err);
    JsonNode result = new JsonMapper().readTree(again.out());
    assertEquals(2, result.path("pairs").intValue());
    assertEquals(atTheEnd.path("copy"), result.path("copy")); // the same pairs
    assertEquals(
        atTheEnd.path("model").path("psnr").doubleValue(),
        result.path("model").path("psnr").doubleValue(),
        1e-4);
    Path others = folder.resolve("others");
    render(others, "--size", 16, "--clips", 3, "--seed", 4);
    CommandLineRun all =
        CommandLineRun.of("eval", "--model", run, "--data", others, "--steps", 1, "--pairs", 3);
    assertTrue(all.out().contains("3 pairs of"), all::out);
    assertFalse(all.out().contains("note"), all::out);
  }

  @Test
  void whereTooFewAreHeldOutAllAreEvaluatedAndThatIsSaid() throws IOException {
    Path none = folder.resolve("none.json");
    Files.writeString(
        none, Preset.builtin("tiny").json().replace("\"validation\": 0.1", "\"validation\": 0"));
    CommandLineRun trained =
        CommandLineRun.of(
            "train",
            "--preset",
            none,
            "--data",
            scenes,
            "--out",
            run,
            "--steps",
            1,
            "--eval-pairs",
            0,
            "--no-sheet");
    assertEquals(0, trained.status(), trained::err);
    CommandLineRun told =
        CommandLineRun.of("eval", "--model", run, "--data", scenes, "--steps", 1, "--pairs", CLIPS);
    assertTrue(told.out().contains("the run trained on these scenes and held out 0"), told::out);
    assertTrue(told.out().contains(CLIPS + " pairs of"), told::out);
  }

  /** Of the weights in the newest checkpoint. */
  private static List<String> digests(Path run) throws IOException {
    Path newest = Checkpoint.list(run.resolve("checkpoints")).getLast().folder();
    return Files.readAllLines(newest.resolve("SHA256SUMS")).stream()
        .filter(line -> line.endsWith(".safetensors"))
        .toList();
  }

  @Test
  void scenesThatCannotBeReadAreLeftOutIfWanted() throws IOException {
    Path mixed = folder.resolve("mixed");
    render(mixed, "--size", 16, "--clips", 4, "--max-objects", 3);
    Path cut = mixed.resolve("scene_00002/frame_000.png");
    Files.write(cut, Arrays.copyOf(Files.readAllBytes(cut), 60));
    CommandLineRun refused =
        of(List.of("train", "--preset", preset, "--data", mixed, "--out", run, "--steps", 3));
    assertEquals(1, refused.status());
    assertTrue(refused.err().contains("scene_00002"), refused::err);
    CommandLineRun lenient =
        train(mixed, "--fresh", "--steps", 12, "--skip-bad", "--readers", 3, "--eval-pairs", 0);
    assertTrue(lenient.out().contains("skipped "), lenient::out);
    assertTrue(
        lenient.out().contains("data    left out: 1 clip that cannot be read"), lenient::out);
    // The same clips, pairs and weights, whatever the number of threads that read.
    Path one = folder.resolve("one");
    CommandLineRun alone =
        of(
            List.of("train", "--preset", preset, "--data", mixed, "--out", one, "--steps", 12),
            "--skip-bad",
            "--readers",
            1,
            "--eval-pairs",
            0);
    assertEquals(0, alone.status(), alone::err);
    assertFalse(digests(run).isEmpty());
    assertEquals(digests(run), digests(one));
    Path all = Files.createSymbolicLink(folder.resolve("all"), mixed); // of which none is held out
    Object[] words = {"eval", "--model", run, "--data", all, "--steps", 1};
    assertEquals(1, CommandLineRun.of(words).status());
    CommandLineRun evaluated = of(List.of(words), "--skip-bad");
    assertEquals(0, evaluated.status(), evaluated::err);
    assertTrue(evaluated.out().contains("skipped "), evaluated::out);
    for (MetricsLog.Entry entry : MetricsLog.read(run.resolve("metrics.jsonl"))) {
      assertTrue(entry.values().getOrDefault("data_seconds_per_step", 0.0) < 5, entry::toString);
    }
  }

  @Test
  void clipsOfADataSetAreDrawnByNumberOrIdentity() throws IOException {
    train(scenes, "--steps", 2, "--eval-pairs", 0, "--no-sheet");
    Path out = folder.resolve("out");
    List<byte[]> sheets = new ArrayList<>();
    for (String clip : List.of("3", "scene_00003", "scene_00001")) {
      CommandLineRun drawn =
          of(
              List.of("sample", "--model", run, "--data", scenes, "--scene", clip, "--out", out),
              "--steps",
              2,
              "--overwrite",
              "--edit",
              "background 4");
      assertEquals(0, drawn.status(), drawn::err);
      sheets.add(PngFile.rgb(ImageIO.read(out.resolve("edit-1-0.png").toFile())));
    }
    assertArrayEquals(sheets.get(0), sheets.get(1));
    assertFalse(Arrays.equals(sheets.get(0), sheets.get(2)));
    CommandLineRun all =
        of(List.of("sample", "--model", run, "--data", scenes, "--out", out), "--steps", 2);
    assertEquals(0, all.status(), all::err);
    CommandLineRun none =
        of(List.of("sample", "--model", run, "--data", scenes, "--scene", "9", "--out", out));
    assertEquals(1, none.status());
    assertTrue(none.err().contains("holds no clip 9; it holds 5"), none::err);
  }
}
