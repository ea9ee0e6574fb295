package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.BooleanSupplier;
import nacre.cli.options.UserException;
import nacre.cli.output.PngMetadata;
import nacre.cli.ranks.Ranks;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PresetFile;
import nacre.neuralassets.model.TrainingPreset;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.RunState;
import nacre.neuralassets.training.TrainingMemory;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.DeviceMemoryException;
import nacre.tensor.Memory;
import nacre.weights.AtomicFolder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A start of a run: its time, what it moves and when, where it stops, what memory it wants. */
class TrainingRunTest {
  private static final Preset LATENT = LatentModel.preset(16);
  private static final Preset TINY = tiny();
  private static final RunLength STEPS = new RunLength.Steps(2);

  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path scenes;
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private Path run;

  /** Two of the three scenes are held out, which is what an evaluation takes. */
  private static Preset tiny() {
    String json = Preset.builtin("tiny").json();
    return Preset.of("tiny", json.replaceFirst("\"validation\": [0-9.]+", "\"validation\": 2"));
  }

  @BeforeAll
  static void render() {
    scenes = shared.resolve("scenes");
    CommandLineRun rendered =
        CommandLineRun.of("data", "render", "--out", scenes, "--size", 16, "--clips", 3);
    assertEquals(0, rendered.status(), rendered::err);
  }

  @BeforeEach
  void name() {
    run = folder.resolve("run");
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private TrainingRun.Request request(
      TrainingPreset preset, RunLength length, Path latents, boolean fresh, Checkpoint from)
      throws IOException {
    return new TrainingRun.Request(
        new RunFolder(run),
        preset,
        Device.cpu(),
        DType.F32,
        7,
        length,
        Duration.ofMinutes(5),
        ClipLocation.parse(scenes.toString()),
        2,
        true,
        latents,
        CommandLine.populateCommand(new Reading()),
        fresh,
        from,
        Ranks.alone());
  }

  private boolean train(TrainingRun.Request request, BooleanSupplier stop) throws IOException {
    return new TrainingRun(request, new PrintStream(printed, true), stop).run();
  }

  private String told() {
    return printed.toString(StandardCharsets.UTF_8);
  }

  private Checkpoint newest() throws IOException {
    return new RunFolder(run).newest().orElseThrow();
  }

  /** The pass takes more than the whole run may, for who prints what it did sleeps. */
  @Test
  void theEncodingOfTheDataSetIsNoTimeOfTheRun() throws Exception {
    Duration pass = Duration.ofMillis(1500);
    OutputStream slow =
        new OutputStream() {
          @Override
          public void write(int b) {
            printed.write(b);
          }

          @Override
          public void write(byte[] bytes, int from, int count) {
            printed.write(bytes, from, count);
            if (new String(bytes, from, count, StandardCharsets.UTF_8).startsWith("latents ")) {
              try {
                Thread.sleep(pass);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            }
          }
        };
    TrainingRun.Request request =
        request(LATENT, new RunLength.Minutes(0.02), folder.resolve("cache"), false, null);
    long begun = System.nanoTime();
    assertTrue(new TrainingRun(request, new PrintStream(slow, true), () -> false).run());
    double all = (System.nanoTime() - begun) / 1e9;
    RunState state = newest().state();
    assertTrue(told().contains("latents 72 frames"), told());
    assertTrue(state.elapsedSeconds() <= all - pass.toMillis() / 1e3, all + ": " + state);
    assertTrue(state.step() > 1, state::toString);
  }

  @Test
  void aRunIsMovedAsideWhenNothingCanRefuseTheNextOneAnyMore() throws IOException {
    assertTrue(train(request(TINY, STEPS, null, false, null), () -> false));
    byte[] before = Files.readAllBytes(newest().folder().resolve("parameters.safetensors"));
    Path aside = folder.resolve("run.aside");
    Path file = Files.createFile(folder.resolve("file"));
    assertThrows(
        IOException.class, () -> train(request(LATENT, STEPS, file, true, null), () -> false));
    ObjectNode json = (ObjectNode) new JsonMapper().readTree(LATENT.json());
    Preset without = Preset.of("without", json.put("vae_from", file.toString()).toString());
    assertThrows(
        IOException.class, () -> train(request(without, STEPS, null, true, null), () -> false));
    assertFalse(Files.exists(aside));
    assertEquals(2, newest().step());

    // A stop is no refusal: the new run begins there, so that what is told to go on with is it.
    Path cache = folder.resolve("cache");
    assertFalse(train(request(LATENT, STEPS, cache, true, null), () -> true));
    assertTrue(told().contains("moved   the earlier run to " + aside), told());
    assertEquals(0, newest().step());
    assertEquals(LATENT.json(), newest().preset().json());
    assertArrayEquals(
        before,
        Files.readAllBytes(
            new RunFolder(aside)
                .newest()
                .orElseThrow()
                .folder()
                .resolve("parameters.safetensors")));
    RunLock.take(new RunFolder(aside)).close();
    RunLock.take(new RunFolder(run)).close();
    assertTrue(train(request(LATENT, STEPS, cache, false, newest()), () -> false));
  }

  @Test
  void newerCheckpointsAreMovedAsideWhenNothingCanRefuseTheRunAnyMore() throws IOException {
    assertTrue(train(request(LATENT, STEPS, null, false, null), () -> false));
    Path checkpoints = new RunFolder(run).checkpoints();
    Checkpoint first = Checkpoint.list(checkpoints).getFirst();
    assertEquals(0, first.step());
    Path file = Files.createFile(folder.resolve("file"));
    assertThrows(
        IOException.class, () -> train(request(LATENT, STEPS, file, false, first), () -> false));
    assertEquals(2, newest().step());
    assertTrue(train(request(LATENT, STEPS, null, false, first), () -> false));
    assertTrue(told().contains("step-000000002.aside"), told());
    assertTrue(Files.isDirectory(checkpoints.resolve("step-000000002.aside")));
  }

  @Test
  void aStopIsLookedForWhilePicturesAreDrawn() throws IOException {
    TrainingRun.Request request = request(TINY, STEPS, null, false, null);
    RunFolder place = new RunFolder(run);
    int[] asked = {0};
    // Nothing stops its steps, and the second question after them does.
    BooleanSupplier stop =
        () -> {
          try {
            return place.newest().map(Checkpoint::step).orElse(0L) == 2 && ++asked[0] == 2;
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        };
    assertFalse(train(request, stop));
    assertEquals(2, asked[0]);
    assertFalse(Files.exists(place.sheet()));
    TrainingRun.Request again = request(TINY, STEPS, null, false, newest());
    BufferedImage old = new BufferedImage(9, 9, BufferedImage.TYPE_INT_RGB);
    PngMetadata.write(place.sheet(), old, Map.of("Title", "tiny after 1 steps"));
    asked[0] = -1000; // far into the evaluation's first pictures
    assertFalse(train(again, () -> ++asked[0] > -1000 + TINY.sampling().numInferenceSteps() + 3));
    assertEquals("tiny after 2 steps", PngMetadata.read(place.sheet()).get("Title"));
    assertFalse(Files.exists(place.evaluation()));
    byte[] sheet = Files.readAllBytes(place.sheet());
    assertTrue(train(again, () -> false));
    assertTrue(Files.exists(place.evaluation()));
    assertArrayEquals(sheet, Files.readAllBytes(place.sheet()));
  }

  /** What a sheet shows is gone when the first one is drawn; the last one is what the run owes. */
  @Test
  void aSheetThatCannotBeDrawnEndsTheRunAtItsEndOnly() throws IOException {
    Path mine = TinyModel.copy(scenes, folder.resolve("mine"));
    TrainingRun.Request usual = request(TINY, STEPS, null, false, null);
    TrainingRun.Request request =
        new TrainingRun.Request(
            usual.folder(),
            usual.preset(),
            usual.device(),
            usual.compute(),
            usual.seed(),
            usual.length(),
            Duration.ofNanos(1),
            ClipLocation.parse(mine.toString()),
            0,
            true,
            null,
            usual.reading(),
            false,
            null,
            Ranks.alone());
    BooleanSupplier stop =
        () -> {
          try {
            AtomicFolder.delete(mine);
            return false;
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        };
    assertThrows(IOException.class, () -> train(request, stop));
    assertTrue(told().contains("no sheet: "), told());
    assertTrue(told().contains("; training goes on"), told());
    assertEquals(2, newest().step());
  }

  private static String refusal(TrainingRun.Request request) {
    TrainingMemory much = new TrainingMemory(1L << 60, 0, 0, 0, 0);
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    return assertThrows(UserException.class, () -> new MemoryCheck(request).run(much, nowhere))
        .getMessage();
  }

  @Test
  void whatIsTooLargeIsToldWhatCanBeDone() throws IOException {
    TrainingRun.Request plain = request(TINY, STEPS, null, false, null);
    String all =
        "less is needed with training.gradient_checkpointing, more"
            + " training.gradient_accumulation_steps, a smaller training.batch_size,"
            + " training.optimizer_state int8, training.parameters bfloat16, training.ema_decay 0,"
            + " --dtype bfloat16, a smaller model";
    String told = refusal(plain);
    assertTrue(told.contains("needs 1073741824.00 GiB of memory, and cpu has "), told);
    assertTrue(told.endsWith(" left; " + all), told);
    DeviceMemoryException cause = new DeviceMemoryException("cuda: out of memory");
    assertEquals(
        "cuda: out of memory; " + all, new MemoryCheck(plain).exhausted(cause).getMessage());

    ObjectNode json = (ObjectNode) new JsonMapper().readTree(TINY.json());
    Preset based = Preset.of("based", json.put("base", "sd").toString());
    assertTrue(refusal(request(based, STEPS, null, false, null)).contains(", --lora 16, "));
    json.putObject("lora").put("rank", 2);
    Preset adapted = Preset.of("adapted", json.toString());
    assertFalse(refusal(request(adapted, STEPS, null, false, null)).contains("--lora"));

    TrainingPreset autoencoder = PresetFile.named("autoencoder").trained();
    told = refusal(request(autoencoder, STEPS, null, false, null));
    assertTrue(told.contains("a smaller training.batch_size"), told);
    assertFalse(told.contains("gradient_accumulation_steps"), told);

    TrainingRun.Request resumed =
        request(TINY, STEPS, null, false, new Checkpoint(run.resolve("step-000000001")));
    told = refusal(resumed);
    assertTrue(
        told.endsWith(
            "; a run that goes on keeps its settings: make room, or give another --device; begun"
                + " anew, "
                + all),
        told);
  }
}
