package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.ops.RandomNormal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every number of a preset at the values that people and accidents put there. */
class PresetRangesTest {
  private static final JsonMapper JSON = new JsonMapper();

  /** What stands for a key, as it is written in the file. */
  private static final List<String> VALUES =
      List.of(
          "0",
          "-1",
          "0.5",
          "1",
          "1000000000",
          "1e30",
          "1e999",
          "123456789012345678901234567890",
          "1e-320",
          "NaN",
          "null",
          "true",
          "\"text\"",
          "[]",
          "{}",
          "[0]",
          "[1e999, 1e999]",
          "[0, 0]");

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  /**
   * Every key of the preset in turn takes every value: the preset is refused in one line that names
   * the key, or a step of training and one of sampling succeed. Nothing else is thrown.
   */
  @ParameterizedTest
  @CsvSource({"false, 700, 100", "true, 150, 5"})
  void everyKeyIsRefusedByNameOrTrains(boolean latent, int leastRefused, int leastTrained)
      throws IOException {
    ObjectNode preset = preset(latent);
    List<String> wrong = new ArrayList<>();
    Set<String> trained = new HashSet<>();
    int refused = 0;
    for (List<String> path : paths(preset, List.of())) {
      if (latent && !path.getFirst().equals("vae")) {
        continue; // the same as without
      }
      for (String value : VALUES) {
        String what = String.join(".", path) + " = " + value;
        try {
          Preset mine = Preset.of("mine", with(preset, path, value));
          Optional<DataConfig> data = mine.data().map(DataConfig::of);
          if (data.isPresent() && trained.add(content(mine) + data.get())) {
            train(mine, data.get(), List.of("scheduler", "sampling").contains(path.getFirst()));
          }
        } catch (IllegalArgumentException e) {
          refused++;
          String told = e.getMessage();
          boolean named = told.contains(path.getLast()) || value.equals("NaN");
          if (!named || told.lines().count() != 1 || told.length() > 400) {
            wrong.add(what + ": " + told);
          }
        } catch (RuntimeException | Error e) {
          wrong.add(what + ": " + e);
        }
      }
    }
    assertEquals("", String.join("\n", wrong));
    assertTrue(refused > leastRefused, "refused: " + refused);
    assertTrue(trained.size() > leastTrained, "trained: " + trained.size());
  }

  /** All that was read of a preset. */
  private static String content(Preset p) {
    return List.of(p.imageSize(), p.fold(), p.vae(), p.unet(), p.imageEncoder(), p.assetTokens())
        + List.of(p.scheduler(), p.training(), p.sampling()).toString();
  }

  /** A small preset with every key that a preset may have. */
  private static ObjectNode preset(boolean latent) throws IOException {
    ObjectNode preset = (ObjectNode) JSON.readTree(Preset.builtin("tiny").json());
    ObjectNode unet = (ObjectNode) preset.get("unet");
    ObjectNode training = (ObjectNode) preset.get("training");
    training.put("batch_size", 1).put("token_learning_rate_factor", 1).put("timestep_power", 1);
    training.put("object_weight", 1).put("gradient_checkpointing", true);
    training.put("gradient_accumulation_steps", 1).put("optimizer_state", "int8");
    training.put("parameters", "bfloat16").put("rounding", "compensated");
    ObjectNode tokens = (ObjectNode) preset.get("asset_tokens");
    tokens.put("initial_gain", 0).putArray("image_mean").add(0.5).add(0.5).add(0.5);
    tokens.putArray("image_std").add(0.5).add(0.5).add(0.5);
    ObjectNode data = (ObjectNode) preset.get("data");
    data.put("initial_clips", 1).put("clips_per_step", 0).put("frames", 3).put("max_clips", 1);
    data.put("validation", 0.1).put("validation_steps", 10);
    ((ObjectNode) preset.get("sampling")).put("num_inference_steps", 1);
    if (latent) {
      preset.put("fold", 1);
      ObjectNode vae = preset.putObject("vae");
      vae.put("in_channels", 3).put("out_channels", 3).put("latent_channels", 4);
      vae.put("sample_size", 16).put("layers_per_block", 1).put("norm_num_groups", 4);
      vae.put("scaling_factor", 0.18215).put("shift_factor", 0);
      vae.putArray("block_out_channels").add(8).add(8);
      vae.putArray("down_block_types").add("DownEncoderBlock2D").add("DownEncoderBlock2D");
      vae.putArray("up_block_types").add("UpDecoderBlock2D").add("UpDecoderBlock2D");
      unet.put("in_channels", 8).put("out_channels", 4);
    }
    return preset;
  }

  private static List<List<String>> paths(JsonNode node, List<String> at) {
    List<List<String>> paths = new ArrayList<>();
    for (String key : new TreeSet<>(names(node))) {
      List<String> path = new ArrayList<>(at);
      path.add(key);
      paths.add(path);
      if (node.get(key).isObject()) {
        paths.addAll(paths(node.get(key), path));
      }
    }
    return paths;
  }

  private static List<String> names(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** The text of the preset with a value as it stands, which need not be JSON. */
  private static String with(ObjectNode preset, List<String> path, String value) {
    ObjectNode changed = preset.deepCopy();
    ObjectNode parent = changed;
    for (String key : path.subList(0, path.size() - 1)) {
      parent = (ObjectNode) parent.get(key);
    }
    parent.put(path.getLast(), "@@");
    return changed.toString().replace("\"@@\"", value);
  }

  private static void train(Preset preset, DataConfig data, boolean samples) throws IOException {
    int size = preset.imageSize();
    var clips = new RenderedClips(data, HeldOut.trainingScenes(0), size);
    TrainingConfig training = preset.training();
    try (Trainer trainer = new Trainer(preset, Device.cpu(), DType.F32, 0)) {
      var diffusion =
          new PairSampler.Diffusion(
              training.dropProbability(), trainer.timesteps(), training.timestepPower());
      ClipPool pool = new ClipPool(clips, data, size);
      PairSampler sampler = new PairSampler(pool, data, diffusion, 0, size);
      double rate = RunLength.rate(training, 0, training.steps());
      double loss = trainer.step(sampler.batch(0, training.batchSize()), rate);
      assertTrue(Double.isFinite(loss), "the loss is " + loss);
      if (!samples) {
        return;
      }
      try (Scope _ = Scope.open()) {
        var pairs = HeldOut.pairs(data, 1, size).conditioning();
        int side = preset.sampleSize();
        Shape shape = Shape.of(1, side, side, preset.sampleChannels());
        new Sampler(trainer.averaged(), 1, preset.sampling().guidanceScale())
            .sample(pairs, RandomNormal.normal(Device.cpu(), shape, 3, 0));
      }
    }
  }

  /** The lines that a hostile tester found, and others like them. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "unet.norm_num_groups | 0 | norm_num_groups must be a whole number from 1",
        "unet.norm_num_groups | 7 | norm_num_groups must be a divisor of block_out_channels, which"
            + " is",
        "training.batch_size | 1000000000 | training.batch_size must be a whole number from 1 to"
            + " 65536",
        "unet.layers_per_block | 0 | layers_per_block must be a whole number from 1 to 1000, not 0",
        "asset_tokens.image_std | [0,1,1] | asset_tokens.image_std must be a number from 1.0E-4",
        "training.adam_epsilon | 0 | training.adam_epsilon must be a number from 1.0E-30 to 1, not"
            + " 0.0",
        "training.adam_beta2 | 1 | training.adam_beta2 must be a number from 0 to 0.999999, not"
            + " 1.0",
        "asset_tokens.roi_size | 1000 | asset_tokens.roi_size must be a whole number from 1 to 64",
        "training.learning_rate | 1e999 | training.learning_rate must be a number from 0 to 1000",
        "training.max_grad_norm | 0 | training.max_grad_norm must be a number from",
        "image_encoder.layer_norm_eps | -1 | layer_norm_eps must be a number",
        "scheduler.steps_offset | -1 | steps_offset must be a whole number from 0",
        "sampling.num_inference_steps | 1001 | at most scheduler.num_train_timesteps",
        "sampling.num_inference_steps | 0 | sampling.num_inference_steps must be a whole number"
            + " from 1 to 1000000, not 0",
        "sampling.guidance_scale | -0.1 | sampling.guidance_scale must be a number from 0 to"
            + " 1000000",
        "image_size | 0 | image_size must be a whole number from 1 to 8192, not 0",
        "image_size | 8193 | image_size must be a whole number from 1 to 8192, not 8193",
        "fold | 0 | fold must be a whole number from 1 to 8192, not 0",
        "fold | 8193 | fold must be a whole number from 1 to 8192, not 8193",
        "coordinate_octaves | -1 | coordinate_octaves must be a whole number from 0 to 30, not -1",
        "coordinate_octaves | 31 | coordinate_octaves must be a whole number from 0 to 30, not 31",
        "coordinate_octaves | 2 | unet.in_channels does not fit the rest: unet.out_channels + 4 ·"
            + " coordinate_octaves is wanted",
        "unet.sample_size | 16 | unet.sample_size does not fit the rest: image_size / fold, as"
            + " there is no vae, is wanted",
        "unet.out_channels | 3 | unet.out_channels does not fit the rest: 3 · fold² is wanted",
        "asset_tokens.roi | 2 | asset_tokens.roi is not known; known here are appearance_dim,",
        "training.rate | 2 | training.rate is not known; known here are",
        "sampling.steps | 2 | sampling.steps is not known; known here are guidance_scale, num_inf",
      })
  void theLineNamesKeyAndRange(String path, String value, String told) throws IOException {
    assertRefused(false, path, value, told);
  }

  /** What an autoencoder asks of the rest. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fold | 2 | fold does not fit the rest: 1, as there is a vae, is wanted",
        "unet.sample_size | 16 | unet.sample_size does not fit the rest: image_size / the vae's"
            + " down-sampling is wanted",
        "unet.out_channels | 8 | unet.out_channels does not fit the rest: latent_channels is"
            + " wanted",
        "vae.in_channels | 1 | vae.in_channels does not fit the rest: 3 is wanted",
        "vae.out_channels | 1 | vae.out_channels does not fit the rest: 3 is wanted",
      })
  void theLineNamesWhatTheAutoencoderWants(String path, String value, String told)
      throws IOException {
    assertRefused(true, path, value, told);
  }

  /** A batch of images is an array; 3 · 8192² numbers fit into one ten times. */
  @Test
  void boundsBelongToTheRanges() throws IOException {
    ObjectNode large = preset(false);
    large.put("image_size", 8192).put("coordinate_octaves", 30);
    ((ObjectNode) large.get("unet")).put("sample_size", 4096).put("in_channels", 132);
    ((ObjectNode) large.get("sampling")).put("num_inference_steps", 1000).put("guidance_scale", 0);
    ((ObjectNode) large.get("training")).put("batch_size", 10);
    Preset preset = Preset.of("mine", large.toString());
    assertEquals(8192, preset.imageSize());
    assertEquals(30, preset.coordinateOctaves());
    assertEquals(1000, preset.sampling().numInferenceSteps());
    ((ObjectNode) large.get("training")).put("batch_size", 11);
    IllegalArgumentException e =
        org.junit.jupiter.api.Assertions.assertThrows(
            IllegalArgumentException.class, () -> Preset.of("mine", large.toString()));
    assertTrue(e.getMessage().contains("training.batch_size does not fit the rest"), e::getMessage);
    ObjectNode least = preset(false).put("coordinate_octaves", 0);
    ((ObjectNode) least.get("unet")).put("in_channels", 12);
    assertEquals(0, Preset.of("mine", least.toString()).coordinateOctaves());
  }

  /** What may be left out is what it is said to be then. */
  @Test
  void flagsAreRead() throws IOException {
    ObjectNode preset = preset(false);
    ObjectNode training = (ObjectNode) preset.get("training");
    assertTrue(Preset.of("mine", preset.toString()).training().gradientCheckpointing());
    training.put("gradient_checkpointing", false);
    assertFalse(Preset.of("mine", preset.toString()).training().gradientCheckpointing());
    training.remove("gradient_checkpointing");
    assertFalse(Preset.of("mine", preset.toString()).training().gradientCheckpointing());
    ObjectNode tokens = (ObjectNode) preset.get("asset_tokens");
    for (boolean derived : new boolean[] {true, false}) {
      tokens.put("derived_box", derived);
      AssetTokens read = Preset.of("mine", preset.toString()).assetTokens();
      assertEquals(derived, read.poseFeatures().derivedBox());
    }
  }

  private static void assertRefused(boolean latent, String path, String value, String told)
      throws IOException {
    String json = with(preset(latent), List.of(path.split("\\.")), value);
    IllegalArgumentException e =
        org.junit.jupiter.api.Assertions.assertThrows(
            IllegalArgumentException.class, () -> Preset.of("mine", json));
    assertTrue(e.getMessage().startsWith("preset mine: "), e::getMessage);
    assertTrue(e.getMessage().contains(told), e::getMessage);
  }

  @Test
  void theListOfKeysIsThatOfTheManual() throws IOException {
    String page = java.nio.file.Files.readString(java.nio.file.Path.of("../docs/presets.md"));
    for (List<String> path : paths(preset(true), List.of())) {
      assertTrue(page.contains("`" + path.getLast() + "`"), path::toString);
    }
  }
}
