package nacre.cli;

import static nacre.cli.BasedRuns.BASE;
import static nacre.cli.BasedRuns.ENCODER;
import static nacre.cli.BasedRuns.assertSame;
import static nacre.cli.BasedRuns.checkpoint;
import static nacre.cli.BasedRuns.weights;
import static nacre.cli.BasedRuns.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.ModelHints;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PresetFile;
import nacre.neuralassets.model.PretrainedBase;
import nacre.neuralassets.model.Trainable;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.weights.AtomicFolder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs that begin with Stable Diffusion. */
class BaseModelTest {
  private static final JsonMapper JSON = new JsonMapper();

  @RegisterExtension static final BasedRuns RUNS = new BasedRuns();
  @TempDir Path folder;

  /** As a run keeps a place. */
  private static Path absolute(Path place) {
    return place.toAbsolutePath().normalize();
  }

  private Path preset(String name, String changes) throws IOException {
    return BasedRuns.preset(folder.resolve(name + ".json"), changes);
  }

  @Test
  void aRunBeginsWithItAndSamples() throws IOException {
    Path preset = preset("mine", "{}");
    Path out = folder.resolve("run");
    CommandLineRun trained =
        RUNS.train(preset, out, "--base", BASE, "--image-encoder", ENCODER, "--steps", 2);
    assertEquals(0, trained.status(), trained::err);
    assertTrue(trained.out().contains("base    " + absolute(BASE) + ", Stable"), trained::out);
    assertTrue(trained.out().contains("context 16 wide, predicts epsilon"), trained::out);
    Path begun = checkpoint(out, 0).resolve("ema");
    assertSame(weights(BASE, Component.UNET), weights(begun, Component.UNET));
    assertSame(weights(BASE, Component.VAE), weights(begun, Component.VAE));
    Path model = checkpoint(out, 2).resolve("ema");
    assertSame(weights(BASE, Component.VAE), weights(model, Component.VAE));
    Map<String, float[]> before = weights(BASE, Component.UNET);
    Map<String, float[]> after = weights(model, Component.UNET);
    List<String> still =
        before.keySet().stream()
            .filter(name -> Arrays.equals(before.get(name), after.get(name)))
            .toList();
    // At 4×4 latents the deepest attention is over a single position, which has no gradient.
    assertTrue(
        still.stream().allMatch(name -> name.matches("mid_block.*attn1.to_[qk].*")),
        still::toString);
    Preset written = ModelFolder.preset(new Checkpoint(checkpoint(out, 2)).model());
    assertEquals(16, written.unet().crossAttentionDim());
    assertEquals(4, written.unet().sampleSize());
    JsonNode scheduler = JSON.readTree(model.resolve("scheduler/scheduler_config.json").toFile());
    assertEquals("scaled_linear", scheduler.path("beta_schedule").asText());
    assertFalse(scheduler.path("clip_sample").asBoolean(true));
    CommandLineRun sampled =
        CommandLineRun.of(
            "sample", "--model", out, "--rows", 1, "--steps", 1, "--out", folder.resolve("s"));
    assertEquals(0, sampled.status(), sampled::err);
    assertTrue(Files.exists(folder.resolve("s/sheet.png")));
    CommandLineRun evaluated =
        CommandLineRun.of(
            "eval", "--model", out, "--data", RUNS.scenes(), "--pairs", 2, "--steps", 1);
    assertEquals(0, evaluated.status(), evaluated::err);
  }

  @Test
  void aSingleFileIsABaseToo() throws IOException {
    Path single = folder.resolve("tiny.safetensors");
    assertEquals(0, CommandLineRun.of("weights", "convert", BASE, single).status());
    Path preset = preset("mine", "{}");
    Path out = folder.resolve("run");
    Object[] all = {
      "--base", single, "--image-encoder", ENCODER, "--prediction", "v", "--steps", 1
    };
    CommandLineRun trained = RUNS.train(preset, out, all);
    assertEquals(0, trained.status(), trained::err);
    assertTrue(trained.out().contains("predicts v_prediction"), trained::out);
    Path begun = checkpoint(out, 0).resolve("ema");
    assertSame(weights(BASE, Component.UNET), weights(begun, Component.UNET));
    assertSame(weights(BASE, Component.VAE), weights(begun, Component.VAE));
    CommandLineRun again = RUNS.train(preset, out, with(all, "--resume"));
    assertEquals(0, again.status(), again::err);
    CommandLineRun silent =
        RUNS.train(preset, out, "--base", single, "--image-encoder", ENCODER, "--resume");
    assertEquals(0, silent.status(), silent::err);
    assertDiffers(
        "--prediction is not what the run began with: epsilon was given, the run began with v",
        RUNS.train(preset, out, "--base", single, "--prediction", "epsilon", "--resume"));
    assertDiffers(
        "--family is not what the run began with: sd-1.5 was given, the run began with none",
        RUNS.train(preset, out, "--base", single, "--family", "sd1", "--resume"));
  }

  /** A run is compared with what is said beside --resume, and with nothing else. */
  @Test
  void aRunGoesOnWhateverPartOfItsCommandLineIsRepeated() throws IOException {
    Path preset = preset("mine", "{}");
    TinyModel base = TinyModel.copyTo(folder.resolve("base"));
    Path out = folder.resolve("run");
    Object[] based = {"--base", base.root()};
    Object[] encoded = {"--image-encoder", ENCODER};
    CommandLineRun begun = RUNS.train(preset, out, with(with(based, encoded), "--steps", 1));
    assertEquals(0, begun.status(), begun::err);
    AtomicFolder.delete(base.root()); // it is needed no more
    for (Object[] some :
        List.of(
            new Object[] {},
            based,
            encoded,
            new Object[] {"--preset", preset},
            with(based, "--preset", preset),
            with(with(encoded, based), "--preset", preset),
            new Object[] {"--base", folder.resolve("x/../base")})) {
      CommandLineRun resumed = resume(out, some);
      assertEquals(0, resumed.status(), resumed::err);
    }
    assertDiffers(
        "--base is not what the run began with: sd was given, the run began with " + base.root(),
        resume(out, "--base", "sd"));
    assertDiffers(
        "--image-encoder is not what the run began with: dino was given, the run began with "
            + ENCODER.toAbsolutePath().normalize(),
        resume(out, "--image-encoder", "dino"));
    assertDiffers(
        "--lora is not what the run began with: 4 was given, the run began with none",
        resume(out, "--lora", 4));
    assertDiffers(
        "--seed is not what the run began with: 9 was given, the run began with 0",
        resume(out, "--seed", 9));
    assertDiffers(
        "--preset is not what the run began with: training.batch_size is 4, the run began with 2",
        resume(out, "--preset", preset("other", "{'training': {'batch_size': 4}}")));
    assertDiffers(
        "--preset is not what the run began with: base is \"%s\", the run began with \"%s\""
            .formatted(folder.resolve("sd"), base.root()),
        resume(out, "--preset", preset("other", "{'base': 'sd'}")));
    assertDiffers("no such file or folder", resume(out, "--preset", folder.resolve("no.json")));
  }

  private static CommandLineRun resume(Path out, Object... more) {
    Object[] words = {"train", "--resume", "--out", out, "--eval-pairs", 0, "--no-sheet"};
    return CommandLineRun.of(with(words, more));
  }

  private static void assertDiffers(String told, CommandLineRun refused) {
    assertEquals(1, refused.status(), refused::out);
    assertEquals(1, refused.complaints().size(), refused::err);
    assertTrue(refused.err().contains(told), refused::err);
  }

  @Test
  void aPresetNamesItAndTheRunOfThePresetKeepsEverything() throws IOException {
    Path preset =
        preset(
            "mine",
            "{'base': '%s', 'image_encoder_from': '%s'}"
                .formatted(absolute(BASE), absolute(ENCODER)));
    Path out = folder.resolve("run");
    CommandLineRun trained = RUNS.train(preset, out, "--steps", 1);
    assertEquals(0, trained.status(), trained::err);
    Preset kept = ModelFolder.preset(new Checkpoint(checkpoint(out, 1)).model());
    assertEquals(absolute(BASE), kept.base().orElseThrow().path());
    assertEquals(4, kept.unet().inChannels());
    CommandLineRun resumed = RUNS.train(preset, out, "--resume", "--steps", 2);
    assertEquals(0, resumed.status(), resumed::err);
    // What it keeps is a preset, too.
    CommandLineRun again =
        RUNS.train(
            checkpoint(out, 1).resolve("ema/preset.json"), folder.resolve("2"), "--steps", 1);
    assertEquals(0, again.status(), again::err);
  }

  @Test
  void thePresetPaperHasTheSizesOfAnyBase() throws IOException {
    PretrainedBase base = PretrainedBase.open(new PretrainedBase.Location(BASE, ModelHints.NONE));
    Preset paper = PresetFile.named("paper").with(base).preset();
    assertEquals(256, paper.imageSize());
    assertEquals(32, paper.unet().sampleSize());
    assertEquals(16, paper.unet().crossAttentionDim());
    assertEquals(base.vae(), paper.vae().orElseThrow());
    assertEquals(base.scheduler(), paper.scheduler());
    assertEquals(1, paper.trainable().rateFactor(Trainable.Group.UNET));
    assertEquals(1, paper.trainable().rateFactor(Trainable.Group.IMAGE_ENCODER));
    assertEquals(20, paper.trainable().rateFactor(Trainable.Group.NEW_LAYERS));
    assertEquals(5e-5, paper.training().learningRate());
    DataConfig data = DataConfig.of(paper.data().orElseThrow());
    assertEquals(23, data.slots());
    assertEquals(24, HeldOut.scene(data, 0, 32).frames().size());
  }

  /** What its file leaves out is as Stable Diffusion's pipelines have it, not DDIM's default. */
  @Test
  void noiseScheduleAndPredictionAreTheBases() throws IOException {
    TinyModel model =
        TinyModel.copyTo(folder.resolve("v"))
            .patch(
                "scheduler/scheduler_config.json",
                """
                {'prediction_type': 'v_prediction', 'beta_start': 0.002, 'clip_sample': null,
                 'set_alpha_to_one': null, 'steps_offset': null}
                """);
    PretrainedBase base =
        PretrainedBase.open(new PretrainedBase.Location(model.root(), ModelHints.NONE));
    JsonNode scheduler = PresetFile.named("paper").with(base).preset().scheduler().toJson();
    assertEquals("v_prediction", scheduler.path("prediction_type").asText());
    assertEquals(0.002, scheduler.path("beta_start").asDouble());
    assertEquals(0.012, scheduler.path("beta_end").asDouble());
    assertFalse(scheduler.path("clip_sample").asBoolean(true));
    assertFalse(scheduler.path("set_alpha_to_one").asBoolean(true));
    assertEquals(1, scheduler.path("steps_offset").asInt());
  }

  /**
   * The configs of a run's model are, to diffusers, those of the base that it began with, by
   * export_saved_configs.py: every key that is not written must have its class's default.
   */
  @ParameterizedTest
  @CsvSource({
    "unet, unet/config.json",
    "vae, vae/config.json",
    "scheduler, scheduler/scheduler_config.json"
  })
  void diffusersReadsTheConfigsOfARunAsTheBases(String part, String file) throws IOException {
    Path out = folder.resolve("run");
    Object[] all = {"--base", BASE, "--image-encoder", ENCODER, "--steps", 1};
    assertEquals(0, RUNS.train(preset("mine", "{}"), out, all).status());
    Object[] same = {"--base", BASE, "--image-encoder", ENCODER, "--resume"};
    CommandLineRun resumed = RUNS.train(folder.resolve("mine.json"), out, same);
    assertEquals(0, resumed.status(), resumed::err);
    JsonNode reference =
        JSON.readTree(TinyModel.RESOURCES.resolve("saved-configs.json").toFile()).path(part);
    JsonNode written = JSON.readTree(checkpoint(out, 1).resolve("ema").resolve(file).toFile());
    assertEquals(reference.path("class").asText(), written.path("_class_name").asText());
    for (Map.Entry<String, JsonNode> entry : reference.path("config").properties()) {
      String key = entry.getKey();
      JsonNode read = written.has(key) ? written.get(key) : reference.path("defaults").get(key);
      assertEquals(each(entry.getValue()), each(read), key);
    }
    written
        .fieldNames()
        .forEachRemaining(
            key -> assertTrue(key.equals("_class_name") || reference.path("config").has(key), key));
  }

  /** One value for all levels and a list of it are the same to diffusers; so are 1 and 1.0. */
  private static String each(JsonNode value) {
    Set<String> texts = new TreeSet<>();
    for (JsonNode element : value.isArray() ? value : List.of(value)) {
      texts.add(element.isNumber() ? Double.toString(element.doubleValue()) : element.asText());
    }
    return texts.size() == 1 ? texts.iterator().next() : value.toString();
  }
}
