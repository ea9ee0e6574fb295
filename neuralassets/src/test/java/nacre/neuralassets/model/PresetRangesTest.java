package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
  static ObjectNode preset(boolean latent) throws IOException {
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
    tokens.put("background", "full").put("encoder_positions", true).put("corners", 4);
    tokens.put("content", "appearance").put("source_pose", false).put("surface_rays", 1);
    preset.put("unet_input", "noise");
    ObjectNode data = (ObjectNode) preset.get("data");
    data.put("initial_clips", 1).put("clips_per_step", 0).put("frames", 3).put("max_clips", 1);
    data.put("validation", 0.1).put("validation_steps", 10);
    data.put("source_masking", 0.5).put("object_jitter", 0.5);
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
  static String with(ObjectNode preset, List<String> path, String value) {
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

  @Test
  void theListOfKeysIsThatOfTheManual() throws IOException {
    String page = java.nio.file.Files.readString(java.nio.file.Path.of("../docs/presets.md"));
    for (List<String> path : paths(preset(true), List.of())) {
      assertTrue(page.contains("`" + path.getLast() + "`"), path::toString);
    }
  }
}
