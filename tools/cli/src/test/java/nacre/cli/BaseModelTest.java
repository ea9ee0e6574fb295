package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.ModelHints;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PresetFile;
import nacre.neuralassets.model.PretrainedBase;
import nacre.neuralassets.model.Trainable;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.AtomicFolder;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Runs that begin with Stable Diffusion, the tiny one that export_tiny_sd.py wrote. */
class BaseModelTest {
  private static final Path BASE = TinyModel.RESOURCES.resolve("model");
  private static final Path ENCODER =
      Path.of("../../nn/src/test/resources/encoders/vit-classifier");
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path scenes;

  @BeforeAll
  static void render() {
    scenes = shared.resolve("scenes");
    CommandLineRun rendered =
        CommandLineRun.of(
            "data", "render", "--out", scenes, "--size", 32, "--clips", 3, "--max-objects", 3);
    assertEquals(0, rendered.status(), rendered::err);
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  /**
   * The preset paper at 32×32 pixels, with small layers and batches, changed as RFC 7396 has it.
   */
  private Path preset(String name, String changes) throws IOException {
    ObjectNode preset = (ObjectNode) JSON.readTree(Preset.builtin("paper").json());
    preset.remove(List.of("unet", "vae", "scheduler", "image_encoder"));
    Path file = folder.resolve(name + ".json");
    Files.writeString(file, preset.toString());
    TinyModel small = new TinyModel(folder);
    small.patch(
        file.getFileName().toString(),
        """
        {'image_size': 32,
         'asset_tokens': {'appearance_dim': 8, 'pose_dim': 8, 'pose_hidden': 16,
           'image_size': 8},
         'training': {'batch_size': 2, 'warmup_steps': 0, 'learning_rate': 0.001,
           'ema_decay': 0.9},
         'sampling': {'num_inference_steps': 2},
         'data': {'slots': 4, 'validation_steps': 10,
           'scene': {'min_objects': 1, 'max_objects': 3}}}
        """);
    small.patch(file.getFileName().toString(), changes);
    return file;
  }

  private static CommandLineRun train(Path preset, Path out, Object... more) {
    List<Object> words =
        new ArrayList<>(
            List.of(
                "train",
                "--preset",
                preset,
                "--data",
                scenes,
                "--eval-pairs",
                0,
                "--no-sheet",
                "--out",
                out));
    words.addAll(Arrays.asList(more));
    return CommandLineRun.of(words.toArray());
  }

  private static Path checkpoint(Path run, int step) {
    return run.resolve("checkpoints/step-%09d".formatted(step));
  }

  /** The tensors of a part of a model, in PyTorch's layout. */
  private static Map<String, float[]> weights(Path model, Component part) throws IOException {
    Map<String, float[]> all = new TreeMap<>();
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(model.resolve(part.folder()), part.stem())) {
      for (Map.Entry<String, SafeTensors.Entry> entry : dict.entries().entrySet()) {
        all.put(
            entry.getKey(),
            entry.getValue().toTensor(Device.cpu(), DType.F32, Layout.SAME).toFloats());
      }
    }
    return all;
  }

  private static void assertSame(Map<String, float[]> expected, Map<String, float[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, found.get(name), name));
  }

  @Test
  void aRunBeginsWithItAndSamples() throws IOException {
    Path preset = preset("mine", "{}");
    Path out = folder.resolve("run");
    CommandLineRun trained =
        train(preset, out, "--base", BASE, "--image-encoder", ENCODER, "--steps", 2);
    assertEquals(0, trained.status(), trained::err);
    assertTrue(trained.out().contains("base    " + BASE + ", Stable"), trained::out);
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
  }

  private static final String SOME = "{'training': {'trainable': ['unet.*attn2*', 'neck.*']}}";

  private static Set<String> names(Path file) throws IOException {
    try (StateDict dict = StateDict.open(file)) {
      return Set.copyOf(dict.entries().keySet());
    }
  }

  private static Object identity(Path file) throws IOException {
    Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    assertNotNull(key, "the file system has no keys");
    return key;
  }

  /** What is frozen has no state, and lies on disk once; a copied model is whole nevertheless. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void frozenWeightsAreKeptOnceAndTheRunGoesOnWithoutTheBase() throws IOException {
    TinyModel base = TinyModel.copyTo(folder.resolve("base"));
    delete(base.root().resolve("text_encoder"));
    delete(base.root().resolve("tokenizer"));
    Path preset = preset("mine", SOME);
    Object[] all = {"--base", base.root(), "--image-encoder", ENCODER};
    Path whole = folder.resolve("whole");
    CommandLineRun uninterrupted = train(preset, whole, with(all, "--steps", 3));
    assertEquals(0, uninterrupted.status(), uninterrupted::err);
    Path out = folder.resolve("run");
    CommandLineRun begun = train(preset, out, with(all, "--steps", 1));
    assertEquals(0, begun.status(), begun::err);
    Path first = checkpoint(out, 1);
    for (String file : List.of("parameters", "optimizer")) {
      Set<String> names = names(first.resolve(file + ".safetensors"));
      assertTrue(
          names.stream().allMatch(name -> name.matches("steps|(m.|v.)?(unet.*attn2.*|neck.*)")),
          names::toString);
    }
    delete(base.root());
    CommandLineRun refused = train(preset, out, with(all, "--resume", "--steps", 3));
    assertEquals(1, refused.status());
    assertEquals(1, refused.complaints().size(), refused::err);
    assertTrue(refused.err().contains(base.root() + ": no such file"), refused::err);
    assertTrue(refused.err().contains("leave out --preset, --base"), refused::err);
    CommandLineRun resumed =
        CommandLineRun.of(
            "train", "--resume", "--out", out, "--steps", 3, "--eval-pairs", 0, "--no-sheet");
    assertEquals(0, resumed.status(), resumed::err);
    Path last = checkpoint(out, 3);
    for (String file :
        List.of(
            "parameters.safetensors",
            "optimizer.safetensors",
            "ema/unet/diffusion_pytorch_model-00002-of-00002.safetensors")) {
      assertArrayEquals(
          Files.readAllBytes(checkpoint(whole, 3).resolve(file)),
          Files.readAllBytes(last.resolve(file)),
          file);
    }
    for (String file :
        List.of(
            "ema/vae/diffusion_pytorch_model.safetensors",
            "ema/image_encoder/model.safetensors",
            "ema/unet/diffusion_pytorch_model-00001-of-00002.safetensors")) {
      assertEquals(identity(first.resolve(file)), identity(last.resolve(file)), file);
    }
    Map<String, float[]> given = weights(BASE, Component.UNET);
    Map<String, float[]> made = weights(last.resolve("ema"), Component.UNET);
    assertEquals(given.keySet(), made.keySet());
    given.forEach(
        (name, values) ->
            assertTrue(
                name.contains("attn2") || Arrays.equals(values, made.get(name)),
                name + " is frozen and moved"));
    CommandLineRun verified = CommandLineRun.of("verify-run", out);
    assertEquals(0, verified.status(), verified::err);
    assertTrue(verified.out().lines().allMatch(line -> line.contains("whole")), verified::out);

    Path handedOn = TinyModel.copy(last.resolve("ema"), folder.resolve("model"));
    delete(out);
    CommandLineRun sampled =
        CommandLineRun.of(
            "sample", "--model", handedOn, "--rows", 1, "--steps", 1, "--out", folder.resolve("s"));
    assertEquals(0, sampled.status(), sampled::err);
  }

  /** Damage to what several checkpoints share is not written off by the next one. */
  @Test
  void damagedFrozenWeightsAreFoundInEveryCheckpoint() throws IOException {
    Path preset = preset("mine", SOME);
    Path out = folder.resolve("run");
    Object[] all = {"--base", BASE, "--image-encoder", ENCODER};
    assertEquals(0, train(preset, out, with(all, "--steps", 2)).status());
    Path vae = checkpoint(out, 0).resolve("ema/vae/diffusion_pytorch_model.safetensors");
    byte[] bytes = Files.readAllBytes(vae);
    bytes[bytes.length - 1] ^= 1;
    Files.write(vae, bytes, StandardOpenOption.TRUNCATE_EXISTING); // in place
    CommandLineRun verified = CommandLineRun.of("verify-run", out);
    assertEquals(1, verified.status(), verified::out);
    CommandLineRun resumed = train(preset, out, with(all, "--resume", "--steps", 3));
    assertEquals(1, resumed.status());
    assertTrue(resumed.err().contains("is damaged"), resumed::err);
  }

  private static Object[] with(Object[] words, Object... more) {
    return Stream.concat(Arrays.stream(words), Arrays.stream(more)).toArray();
  }

  private static void delete(Path tree) throws IOException {
    AtomicFolder.delete(tree);
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
    CommandLineRun trained = train(preset, out, all);
    assertEquals(0, trained.status(), trained::err);
    assertTrue(trained.out().contains("predicts v_prediction"), trained::out);
    Path begun = checkpoint(out, 0).resolve("ema");
    assertSame(weights(BASE, Component.UNET), weights(begun, Component.UNET));
    assertSame(weights(BASE, Component.VAE), weights(begun, Component.VAE));
    CommandLineRun again = train(preset, out, with(all, "--resume"));
    assertEquals(0, again.status(), again::err);
    CommandLineRun other =
        train(preset, out, "--base", single, "--image-encoder", ENCODER, "--resume");
    assertEquals(1, other.status());
    assertTrue(other.err().contains("is not what the run began with"), other::err);
  }

  @Test
  void aPresetNamesItAndTheRunOfThePresetKeepsEverything() throws IOException {
    Path preset =
        preset("mine", "{'base': '%s', 'image_encoder_from': '%s'}".formatted(BASE, ENCODER));
    Path out = folder.resolve("run");
    CommandLineRun trained = train(preset, out, "--steps", 1);
    assertEquals(0, trained.status(), trained::err);
    Preset kept = ModelFolder.preset(new Checkpoint(checkpoint(out, 1)).model());
    assertEquals(BASE, kept.base().orElseThrow().path());
    assertEquals(4, kept.unet().inChannels());
    CommandLineRun resumed = train(preset, out, "--resume", "--steps", 2);
    assertEquals(0, resumed.status(), resumed::err);
    // What it keeps is a preset, too.
    CommandLineRun again =
        train(checkpoint(out, 1).resolve("ema/preset.json"), folder.resolve("2"), "--steps", 1);
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
    assertEquals(23, DataConfig.of(paper.data().orElseThrow()).slots());
  }

  /** Each in one line, and before anything is written. */
  @Test
  void whatCannotBeABaseIsRefused() throws IOException {
    assertRefused(
        TinyModel.copyTo(folder.resolve("nine")).patch("unet/config.json", "{'in_channels': 9}"),
        "is a model for inpainting: its UNet takes 9 channels");
    assertRefused(
        TinyModel.copyTo(folder.resolve("eight")).patch("unet/config.json", "{'in_channels': 8}"),
        "is InstructPix2Pix");
    assertRefused(
        TinyModel.copyTo(folder.resolve("xl"))
            .patch("model_index.json", "{'_class_name': 'StableDiffusionXLPipeline'}"),
        "is a StableDiffusionXLPipeline, StableDiffusionPipeline is wanted");
    TinyModel bare = TinyModel.copyTo(folder.resolve("bare"));
    Files.delete(bare.root().resolve("model_index.json"));
    assertRefused(
        bare.patch("unet/config.json", "{'addition_embed_type': 'text_time'}"),
        "addition_embed_type");
    assertRefused(
        TinyModel.copyTo(folder.resolve("lcm"))
            .patch("unet/config.json", "{'time_cond_proj_dim': 32}"),
        "was distilled for few steps");
    assertRefused(
        TinyModel.copyTo(folder.resolve("other"))
            .patch("unet/config.json", "{'cross_attention_dim': 24}"),
        "does not fit the model");
    TinyModel without = TinyModel.copyTo(folder.resolve("without"));
    Files.delete(without.root().resolve("vae/diffusion_pytorch_model.safetensors"));
    assertRefused(without, "has no diffusion_pytorch_model.safetensors");
    assertRefused(new TinyModel(folder.resolve("none")), "no such file");
    Path two = folder.resolve("mine.safetensors");
    writeNamesOfVersion2(two);
    assertRefused(new TinyModel(two), "say it with --family sd-2.1-base");
  }

  private void assertRefused(TinyModel base, String told) throws IOException {
    assertRefused(preset("mine", "{}"), told, "--base", base.root());
  }

  private void assertRefused(Path preset, String told, Object... more) {
    Path out = folder.resolve("run");
    CommandLineRun refused =
        train(preset, out, with(more, "--steps", 1, "--image-encoder", ENCODER));
    assertEquals(1, refused.status(), refused::out);
    assertEquals(1, refused.complaints().size(), refused::err);
    assertTrue(refused.err().contains(told), refused::err);
    assertFalse(Files.exists(out.resolve("checkpoints")));
  }

  /** Only what a single file of version 2 is recognized by. */
  private static void writeNamesOfVersion2(Path file) throws IOException {
    String unet = "model.diffusion_model.";
    try (Scope _ = Scope.open()) {
      new SafeTensorsWriter()
          .add(unet + "input_blocks.0.0.weight", zeros(320, 4, 3, 3), Layout.SAME)
          .add(
              unet + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
              zeros(1, 1024),
              Layout.SAME)
          .write(file);
    }
  }

  private static Tensor zeros(int... shape) {
    return Tensor.zeros(Device.cpu(), DType.F16, Shape.of(shape));
  }

  @Test
  void settingsThatDoNotGoTogetherAreRefused() throws IOException {
    Object[] based = {"--base", BASE};
    assertRefused(
        preset("mine", "{'unet': {'in_channels': 4, 'cross_attention_dim': 32}}"),
        "unet.cross_attention_dim is 32, that of the base is 16",
        based);
    assertRefused(
        preset("mine", "{'scheduler': {'prediction_type': 'v_prediction'}}"),
        "leave out unet, vae and scheduler beside a base",
        based);
    assertRefused(preset("mine", "{'image_size': 36}"), "a multiple of 8 is wanted", based);
    assertRefused(
        preset("mine", "{'training': {'trainable': ['unet.*', 'vit.no*']}}"),
        "training.trainable: 'vit.no*' is the name of no parameter",
        based);
    assertRefused(
        preset("mine", "{'training': {'trainable': ['vae.*']}}"),
        "'vae.*' is the name of no parameter that can be trained",
        based);
    assertRefused(preset("mine", "{}"), "unet is missing");
    CommandLineRun demo = train(Path.of("demo"), folder.resolve("run"), based);
    assertEquals(1, demo.status());
    assertTrue(demo.err().contains("preset demo: unet."), demo::err);
    CommandLineRun alone = train(preset("mine", "{}"), folder.resolve("run"), "--family", "sd1");
    assertEquals(2, alone.status());
    assertTrue(alone.err().contains("--family says what --base is"), alone::err);
  }
}
