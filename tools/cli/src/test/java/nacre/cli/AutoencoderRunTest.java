package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import nacre.cli.output.LossCurve;
import nacre.cli.output.MetricsLog;
import nacre.neuralassets.model.Preset;
import nacre.nn.Parameters;
import nacre.nn.vision.Lpips;
import nacre.nn.vision.LpipsNet;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.JsonFile;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.Sha256;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train} of an autoencoder, and of a model that draws in its latents. */
class AutoencoderRunTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;
  private Path preset;
  private ObjectNode data;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  /** The preset {@code autoencoder} in small, for the scenes of {@code tiny}. */
  @BeforeEach
  void writePreset() throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("model", "autoencoder").put("image_size", 16);
    ObjectNode vae = root.putObject("vae");
    vae.putArray("block_out_channels").add(8).add(8);
    vae.putArray("down_block_types").add("DownEncoderBlock2D").add("DownEncoderBlock2D");
    vae.putArray("up_block_types").add("UpDecoderBlock2D").add("UpDecoderBlock2D");
    vae.put("norm_num_groups", 4);
    root.putObject("losses").put("absolute", 1).put("kl", 1e-4);
    data = (ObjectNode) Preset.builtin("tiny").data().orElseThrow().deepCopy();
    ObjectNode training = root.putObject("training");
    training.put("steps", 6).put("batch_size", 4).put("learning_rate", 2e-3);
    training.put("warmup_steps", 2).put("weight_decay", 0).put("adam_beta1", 0.9);
    training.put("adam_beta2", 0.99).put("adam_epsilon", 1e-8).put("max_grad_norm", 1);
    training.put("ema_decay", 0.9);
    root.set("data", data.put("validation", 10).put("validation_steps", 3));
    preset = folder.resolve("small.json");
    Files.writeString(preset, root.toString());
  }

  private static CommandLineRun trained(Path out, Object... more) {
    List<Object> words = new ArrayList<>(List.of("train", "--out", out));
    words.addAll(List.of(more));
    CommandLineRun run = CommandLineRun.of(words.toArray());
    assertEquals(0, run.status(), run::err);
    return run;
  }

  /** The files of the newest checkpoint, but for the time that a run took, and digests of that. */
  private static Map<String, String> files(Path run) throws IOException {
    Path newest = new RunFolder(run).newest().orElseThrow().folder();
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(newest)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        String name = newest.relativize(file).toString();
        if (name.equals("state.json")) {
          ObjectNode state = (ObjectNode) JsonFile.read(file);
          files.put(name, state.without("elapsed_seconds").toString());
        } else if (!name.equals("SHA256SUMS")) {
          files.put(name, Sha256.of(Files.readAllBytes(file)));
        }
      }
    }
    return files;
  }

  private Path scenes() {
    Path scenes = folder.resolve("scenes");
    CommandLineRun rendered =
        CommandLineRun.of("data", "render", "--out", scenes, "--size", 16, "--clips", 12);
    assertEquals(0, rendered.status(), rendered::err);
    return scenes;
  }

  private static List<Double> validation(Path run) throws IOException {
    return MetricsLog.read(run.resolve("metrics.jsonl")).stream()
        .map(entry -> entry.values().get(LossCurve.VALIDATION))
        .filter(Objects::nonNull)
        .toList();
  }

  /** Ten clips are held out, more than the sheet shows and fewer than are asked for. */
  @Test
  void aRunOnStoredScenesGoesOnWithTheSameBitsHoweverManyFramesAreEvaluated() throws IOException {
    Path scenes = scenes();
    Path whole = folder.resolve("whole");
    CommandLineRun run =
        trained(whole, "--preset", preset, "--data", scenes, "--eval-pairs", 12, "--steps", 6);
    assertTrue(run.out().contains("SSIM"), run::out);
    assertTrue(run.out().contains("over 10 held-out frames"), run::out);
    assertTrue(run.out().matches("(?s).*memory  \\d+\\.\\d MiB: weights .*"), run::out);
    Path halved = folder.resolve("halved");
    trained(halved, "--preset", preset, "--data", scenes, "--eval-pairs", 0, "--steps", 3);
    trained(halved, "--resume", "--eval-pairs", 2, "--steps", 6);
    assertEquals(files(whole), files(halved));
    assertEquals(2, validation(whole).size());
    assertEquals(validation(whole), validation(halved));
  }

  /** A damaged clip of each side, of those that are trained on and those held out. */
  @Test
  void clipsThatCannotBeReadAreLeftOutOnBothSides() throws IOException {
    Path scenes = scenes();
    ObjectNode root = (ObjectNode) JsonFile.read(preset);
    root.withObject("/data").put("validation", 6);
    Files.writeString(preset, root.toString());
    Path run = folder.resolve("run");
    trained(run, "--preset", preset, "--data", scenes, "--eval-pairs", 0, "--steps", 1);
    List<String> held = new RunFolder(run).newest().orElseThrow().state().heldOut();
    List<String> all;
    try (Stream<Path> folders = Files.list(scenes)) {
      all = folders.map(p -> p.getFileName().toString()).sorted().toList();
    }
    assertEquals(6, held.size());
    Path outside =
        scenes.resolve(all.stream().filter(name -> !held.contains(name)).findFirst().orElseThrow());
    for (Path scene : List.of(scenes.resolve(held.getFirst()), outside)) {
      try (Stream<Path> files = Files.walk(scene)) {
        for (Path file : files.filter(f -> f.toString().endsWith(".png")).toList()) {
          Files.write(file, new byte[7]);
        }
      }
    }
    Path out = folder.resolve("out");
    Object[] words = {
      "train", "--preset", preset, "--data", scenes, "--eval-pairs", 6, "--steps", 4, "--out", out
    };
    CommandLineRun refused = CommandLineRun.of(words);
    assertEquals(1, refused.status(), refused::out);
    assertEquals(1, refused.complaints().size(), refused::err);
    CommandLineRun skipped = CommandLineRun.of(BasedRuns.with(words, "--skip-bad"));
    assertEquals(0, skipped.status(), skipped::err);
    assertTrue(skipped.out().contains("over 5 held-out frames"), skipped::out);
    assertTrue(skipped.out().contains("left out: 2 clips"), skipped::out);
  }

  /** A network of random weights, in files that the preset names by relative paths. */
  private void addPerceptualLoss() throws IOException {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 1);
      new Lpips(p, LpipsNet.VGG, _ -> 4);
      Map<String, Tensor> trunk = p.at("features").all();
      Map<String, Tensor> heads = new TreeMap<>(p.all());
      heads.keySet().removeAll(trunk.keySet());
      new SafeTensorsWriter().addParameters(trunk).write(folder.resolve("trunk.safetensors"));
      new SafeTensorsWriter().addParameters(heads).write(folder.resolve("heads.safetensors"));
    }
    ObjectNode root = (ObjectNode) JsonFile.read(preset);
    ObjectNode lpips = root.withObject("losses").putObject("lpips");
    lpips.put("weight", 1).put("trunk", "trunk.safetensors").put("heads", "heads.safetensors");
    Files.writeString(preset, root.toString());
  }

  @Test
  void aRunWithAPerceptualLossGoesOnWithTheSameBits() throws IOException {
    Path without = folder.resolve("without");
    trained(without, "--preset", preset, "--eval-pairs", 0, "--steps", 4);
    addPerceptualLoss();
    Path whole = folder.resolve("whole");
    trained(whole, "--preset", preset, "--eval-pairs", 0, "--steps", 4);
    Path halved = folder.resolve("halved");
    trained(halved, "--preset", preset, "--eval-pairs", 0, "--steps", 2);
    trained(halved, "--resume", "--eval-pairs", 0, "--steps", 4);
    Map<String, String> wanted = files(whole);
    assertEquals(wanted, files(halved));
    String optimizer = "optimizer.safetensors";
    assertNotEquals(files(without).get(optimizer), wanted.get(optimizer));
    Files.delete(folder.resolve("trunk.safetensors"));
    CommandLineRun gone = CommandLineRun.of("train", "--out", halved, "--resume", "--steps", 6);
    assertEquals(1, gone.status());
    assertTrue(gone.err().contains("trunk.safetensors"), gone::err);
    assertEquals(1, gone.err().lines().count(), gone::err);
    assertEquals(wanted, files(halved));
  }

  @Test
  void aRunTrainsShowsAndEvaluatesAndGoesOnWithTheSameBits() throws IOException {
    Path whole = folder.resolve("whole");
    CommandLineRun run = trained(whole, "--preset", preset, "--eval-pairs", 4);
    assertTrue(run.out().contains("6 steps of 4 frames"), run::out);
    assertTrue(
        run.out().matches("(?s).*eval    \\d+\\.\\d\\d dB, .*4 held-out frames.*"), run::out);
    assertTrue(Files.isRegularFile(whole.resolve("samples.png")));
    JsonNode eval = JsonFile.read(whole.resolve("eval.json"));
    assertEquals(6, eval.path("step").asInt());
    Path halved = folder.resolve("halved");
    trained(halved, "--preset", preset, "--eval-pairs", 0, "--steps", 3);
    trained(halved, "--resume", "--eval-pairs", 0, "--steps", 6);
    Map<String, String> wanted = files(whole);
    assertTrue(
        wanted.keySet().containsAll(List.of("optimizer.safetensors", "ema/vae/config.json")),
        wanted::toString);
    assertEquals(wanted, files(halved));
    CommandLineRun verified = CommandLineRun.of("verify-run", whole);
    assertEquals(0, verified.status(), verified::err);
  }

  @Test
  void aModelDrawsInItsLatents() throws IOException {
    Path run = folder.resolve("run");
    trained(run, "--preset", preset, "--eval-pairs", 0, "--no-sheet");
    Path model = new RunFolder(run).newest().orElseThrow().model();
    ObjectNode root = (ObjectNode) JSON.readTree(Preset.builtin("tiny").json());
    root.put("fold", 1).put("vae_from", model.toString());
    ((ObjectNode) root.path("unet")).put("in_channels", 8).put("out_channels", 4);
    Path draws = folder.resolve("draws.json");
    Files.writeString(draws, root.toString());
    Path out = folder.resolve("latents");
    CommandLineRun told =
        trained(out, "--preset", draws, "--steps", 2, "--eval-pairs", 2, "--no-sheet");
    assertTrue(told.out().contains("vae     " + model.resolve("vae")), told::out);
    Path checkpoint = new RunFolder(out).newest().orElseThrow().model();
    assertArrayEquals(
        Files.readAllBytes(model.resolve("vae/diffusion_pytorch_model.safetensors")),
        Files.readAllBytes(checkpoint.resolve("vae/diffusion_pytorch_model.safetensors")));
    assertEquals(
        JsonFile.read(model.resolve("vae/config.json")).path("scaling_factor"),
        JsonFile.read(checkpoint.resolve("vae/config.json")).path("scaling_factor"));
    Path picture = folder.resolve("sheet.png");
    CommandLineRun sampled =
        CommandLineRun.of("sample", "--model", out, "--steps", 2, "--out", picture);
    assertEquals(0, sampled.status(), sampled::err);
  }

  @Test
  void whatAnAutoencoderCannotDoIsSaidInOneLine() throws IOException {
    Path run = folder.resolve("run");
    CommandLineRun one = trained(folder.resolve("one"), "--preset", preset, "--eval-pairs", 1);
    assertTrue(one.out().contains("over 1 held-out frames"), one::out);
    CommandLineRun encoder =
        CommandLineRun.of(
            "train", "--preset", preset, "--out", run, "--image-encoder", folder, "--steps", 1);
    assertEquals(1, encoder.status());
    assertEquals(1, encoder.complaints().size(), encoder::err);
    trained(run, "--preset", preset, "--eval-pairs", 0, "--no-sheet", "--steps", 1);
    CommandLineRun sampled = CommandLineRun.of("sample", "--model", run);
    assertEquals(1, sampled.status());
    assertTrue(sampled.err().contains("is an autoencoder"), sampled::err);
    assertEquals(1, sampled.complaints().size(), sampled::err);
  }
}
