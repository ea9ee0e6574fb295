package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import nacre.cli.output.MetricsLog;
import nacre.cli.output.PngMetadata;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.training.Checkpoint;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands as a user types them, with the smallest preset. */
class CommandsTest {
  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path run;

  @BeforeAll
  static void train() {
    run = shared.resolve("run");
    CommandLineRun trained =
        CommandLineRun.of(
            "train", "--preset", "tiny", "--steps", 20, "--eval-pairs", 4, "--out", run);
    assertEquals(0, trained.status(), trained::err);
    for (String word :
        List.of("device  cpu", "tiny, 292,587 parameters", "clips", "loss", "eval")) {
      assertTrue(trained.out().contains(word), trained::out);
    }
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  private static CommandLineRun trainTiny(Path out, Object... more) {
    Object[] words = {"train", "--preset", "tiny", "--eval-pairs", 0, "--no-sheet", "--out", out};
    Object[] all = java.util.Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return CommandLineRun.of(all);
  }

  private static byte[] parameters(Path run) throws IOException {
    Path newest = new RunFolder(run).newest().orElseThrow().folder();
    return Files.readAllBytes(newest.resolve("parameters.safetensors"));
  }

  @Test
  void aRunLeavesEverythingThatIsPromised() throws IOException {
    List<MetricsLog.Entry> metrics = MetricsLog.read(run.resolve("metrics.jsonl"));
    assertEquals(List.of(10L, 20L), metrics.stream().map(MetricsLog.Entry::step).toList());
    assertTrue(metrics.getFirst().values().get("loss") > 0);
    assertTrue(ImageIO.read(run.resolve("loss.png").toFile()).getWidth() > 100);
    assertTrue(ImageIO.read(run.resolve("samples.png").toFile()).getWidth() > 100);
    JsonNode eval = new JsonMapper().readTree(run.resolve("eval.json").toFile());
    assertTrue(eval.path("model").path("psnr").isNumber());
    try (var events = Files.list(run.resolve("events"))) {
      assertEquals(1, events.count());
    }
  }

  @Test
  void aSecondRunInTheSameFolderIsRefusedOrMovesTheFirstAside() throws IOException {
    Path out = folder.resolve("run");
    assertEquals(0, trainTiny(out, "--steps", 2).status());
    byte[] first = parameters(out);
    CommandLineRun refused = trainTiny(out, "--steps", 2);
    assertEquals(1, refused.status());
    assertEquals(1, refused.complaints().size());
    assertTrue(refused.err().contains("--resume"), refused::err);
    assertArrayEquals(first, parameters(out));
    CommandLineRun fresh = trainTiny(out, "--steps", 2, "--fresh", "--seed", 5);
    assertEquals(0, fresh.status(), fresh::err);
    assertArrayEquals(first, parameters(folder.resolve("run.aside")));
    assertNotEquals(java.util.Arrays.hashCode(first), java.util.Arrays.hashCode(parameters(out)));
  }

  @Test
  void aRunGoesOnOnlyAsItBegan() {
    for (Object[] change :
        new Object[][] {
          {"--seed", 3}, {"--steps", 19}, {"--minutes", 1}, {"--data", folder}, {"--dtype", "bf16"}
        }) {
      CommandLineRun other = trainTiny(run, "--resume", change[0], change[1]);
      assertEquals(1, other.status());
      assertEquals(1, other.complaints().size());
      assertTrue(other.err().contains(change[0].toString()), other::err);
    }
    CommandLineRun demo = CommandLineRun.of("train", "--preset", "demo", "--resume", "--out", run);
    assertTrue(demo.err().contains("--preset"), demo::err);
  }

  @Test
  void aRunInMinutesFixesItsLengthAndKeepsIt() throws IOException {
    Path out = folder.resolve("run");
    CommandLineRun timed = trainTiny(out, "--minutes", 0.02);
    assertEquals(0, timed.status(), timed::err);
    Checkpoint last = new RunFolder(out).newest().orElseThrow();
    assertTrue(last.state().totalSteps() > 0);
    assertEquals(last.state().totalSteps(), last.state().step());
    assertEquals(0.02, last.state().minutes());
    for (int time = 0; time < 2; time++) { // the same command line goes on as often as it is typed
      CommandLineRun again = trainTiny(out, "--minutes", 0.02, "--resume");
      assertEquals(0, again.status(), again::err);
      assertEquals(last.state().step(), new RunFolder(out).newest().orElseThrow().step());
      assertTrue(again.out().contains(last.state().step() + " steps of"), again::out);
    }
  }

  @Test
  void aRunWhoseMinutesAreOverDoesNotWaitForItsPace() throws IOException {
    Path out = folder.resolve("run");
    CommandLineRun timed = trainTiny(out, "--minutes", 0.0001);
    assertEquals(0, timed.status(), timed::err);
    assertEquals(1, new RunFolder(out).newest().orElseThrow().state().step());
  }

  @Test
  void aRunOnOnesOwnScenes() throws IOException {
    Path scenes = folder.resolve("scenes");
    CommandLineRun rendered =
        CommandLineRun.of("data", "render", "--clips", 2, "--size", 24, "--out", scenes);
    assertEquals(0, rendered.status(), rendered::err);
    CommandLineRun inspected =
        CommandLineRun.of("data", "inspect", scenes, "--out", folder.resolve("look.png"));
    assertEquals(0, inspected.status(), inspected::err);
    assertTrue(ImageIO.read(folder.resolve("look.png").toFile()).getWidth() > 500);
    Path out = folder.resolve("run");
    CommandLineRun trained =
        CommandLineRun.of(
            "train", "--preset", "tiny", "--steps", 2, "--data", scenes, "--out", out);
    assertEquals(0, trained.status(), trained::err);
    assertTrue(trained.out().contains("2 clips, 24 frames"), trained::out);
    CommandLineRun eval =
        CommandLineRun.of("eval", "--model", out, "--data", scenes, "--steps", 1, "--json");
    assertEquals(0, eval.status(), eval::err);
    assertEquals(2, new JsonMapper().readTree(eval.out()).path("pairs").intValue());
    CommandLineRun told = CommandLineRun.of("eval", "--model", out, "--data", scenes, "--steps", 1);
    assertTrue(told.out().contains("2 pairs of " + scenes + ", 1 steps"), told::out);
  }

  @Test
  void samplesAreASheetAndAGifThatTellHowTheyWereMade() throws IOException {
    CommandLineRun sampled =
        CommandLineRun.of(
            "sample", "--model", run, "--rows", 2, "--steps", 2, "--guidance", 1, "--out", folder);
    assertEquals(0, sampled.status(), sampled::err);
    assertTrue(
        sampled.out().lines().findFirst().orElseThrow().contains("seed 0, on "), sampled::out);
    Map<String, String> texts = PngMetadata.read(folder.resolve("sheet.png"));
    assertEquals("2", texts.get("steps"));
    assertEquals("1.0", texts.get("guidance"));
    assertTrue(texts.get("model").contains("step-000000020"));
    assertTrue(sampled.out().contains("note    trained for 20 steps only"), sampled::out);
    var reader = ImageIO.getImageReadersByFormatName("gif").next();
    try (var in = ImageIO.createImageInputStream(folder.resolve("turn.gif").toFile())) {
      reader.setInput(in);
      assertEquals(36, reader.getNumImages(true));
    }
    byte[] first = Files.readAllBytes(folder.resolve("sheet.png"));
    CommandLineRun.of(
        "sample", "--model", run, "--rows", 2, "--steps", 2, "--guidance", 1, "--out", folder);
    assertArrayEquals(first, Files.readAllBytes(folder.resolve("sheet.png")));
    assertFalse(Files.exists(folder.resolve("sheet-2.png")));
    CommandLineRun other =
        CommandLineRun.of(
            "sample", "--model", run, "--rows", 1, "--steps", 2, "--guidance", 1, "--out", folder);
    assertTrue(other.out().contains("sheet   " + folder.resolve("sheet-2.png")), other::out);
    assertArrayEquals(first, Files.readAllBytes(folder.resolve("sheet.png")));
  }

  @Test
  void editsComeFromTheCommandLineAndFromAFile() throws IOException {
    List<String> names = scene().names();
    Path file = folder.resolve("edits.json");
    Files.writeString(file, "[\"remove %s\", \"background 5\"]".formatted(names.get(0)));
    CommandLineRun sampled =
        CommandLineRun.of(
            "sample",
            "--model",
            run,
            "--steps",
            1,
            "--edit",
            "rotate %s 30; resize %s 0.5".formatted(names.get(0), names.get(1)),
            "--edit",
            "replace %s 1:%s".formatted(names.get(1), scene(1).names().getFirst()),
            "--edits",
            file,
            "--turn",
            names.get(1),
            "--truth",
            "--out",
            folder);
    assertEquals(0, sampled.status(), sampled::err);
    String edits = PngMetadata.read(folder.resolve("sheet.png")).get("edits");
    assertTrue(edits.contains("resize") && edits.contains("remove"), edits);
  }

  private static Scene scene() {
    return scene(0);
  }

  private static Scene scene(long number) {
    DataConfig config = DataConfig.of(Preset.builtin("tiny").data().orElseThrow());
    return HeldOut.scene(config, number, 16);
  }
}
