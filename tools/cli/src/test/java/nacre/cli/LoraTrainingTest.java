package nacre.cli;

import static nacre.cli.BasedRuns.BASE;
import static nacre.cli.BasedRuns.checkpoint;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.neuralassets.model.Preset;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code train --lora}: adapters of the tiny Stable Diffusion that export_tiny_sd.py wrote. */
class LoraTrainingTest {
  private static final String FILE = "pytorch_lora_weights.safetensors";
  private static final String UNET = "unet/diffusion_pytorch_model.safetensors";

  @RegisterExtension static final BasedRuns RUNS = new BasedRuns();
  @TempDir Path folder;

  /** The preset paper at 32×32 pixels with small layers and batches, changed. */
  private Path preset(String changes) throws IOException {
    JsonMapper json = new JsonMapper();
    ObjectNode preset = (ObjectNode) json.readTree(Preset.builtin("paper").json());
    preset.remove(List.of("unet", "vae", "scheduler"));
    Path file = folder.resolve("small.json");
    Files.writeString(file, preset.toString());
    TinyModel small = new TinyModel(folder);
    small.patch(
        "small.json",
        """
        {'image_size': 32,
         'image_encoder': {'image_size': 16, 'hidden_size': 16, 'num_hidden_layers': 1,
           'num_attention_heads': 2, 'intermediate_size': 24},
         'asset_tokens': {'appearance_dim': 8, 'pose_dim': 8, 'pose_hidden': 16, 'image_size': 16},
         'training': {'batch_size': 2, 'warmup_steps': 0, 'learning_rate': 0.001,
           'ema_decay': 0.5},
         'sampling': {'num_inference_steps': 2},
         'data': {'slots': 4, 'validation_steps': 10,
           'scene': {'min_objects': 1, 'max_objects': 3}}}
        """);
    small.patch("small.json", changes);
    return file;
  }

  private static Map<String, float[]> read(Path file) throws IOException {
    Map<String, float[]> all = new TreeMap<>();
    try (Scope _ = Scope.open();
        SafeTensors tensors = SafeTensors.open(file)) {
      for (SafeTensors.Entry entry : tensors.entries().values()) {
        all.put(entry.name(), entry.toTensor(Device.cpu(), DType.F32, Layout.SAME).toFloats());
      }
    }
    return all;
  }

  private static void assertSame(Path expected, Path found) throws IOException {
    Map<String, float[]> wanted = read(expected);
    Map<String, float[]> got = read(found);
    assertEquals(wanted.keySet(), got.keySet());
    wanted.forEach((name, values) -> assertArrayEquals(values, got.get(name), name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"float32", "bfloat16"})
  void aRunTrainsAdaptersAloneAndGoesOnToTheBit(String dtype) throws IOException {
    Path preset = preset("{}");
    Path out = folder.resolve("run");
    CommandLineRun begun =
        RUNS.train(preset, out, "--base", BASE, "--lora", 2, "--dtype", dtype, "--steps", 2);
    assertEquals(0, begun.status(), begun::err);
    assertTrue(begun.out().contains("lora    rank 2, alpha 2.0, "), begun::out);
    CommandLineRun resumed =
        CommandLineRun.of(
            "train", "--resume", "--out", out, "--steps", 4, "--eval-pairs", 0, "--no-sheet");
    assertEquals(0, resumed.status(), resumed::err);
    Path whole = folder.resolve("whole");
    CommandLineRun uninterrupted =
        RUNS.train(preset, whole, "--base", BASE, "--lora", 2, "--dtype", dtype, "--steps", 4);
    assertEquals(0, uninterrupted.status(), uninterrupted::err);
    Path model = checkpoint(out, 4).resolve("ema");
    assertSame(checkpoint(whole, 4).resolve("ema").resolve(FILE), model.resolve(FILE));
    assertSame(
        checkpoint(whole, 4).resolve("parameters.safetensors"),
        checkpoint(out, 4).resolve("parameters.safetensors"));

    Map<String, float[]> adapters = read(model.resolve(FILE));
    assertTrue(
        adapters.keySet().stream()
            .allMatch(name -> name.matches("unet\\..*\\.to_(q|k|v|out\\.0)\\.lora_[AB]\\.weight")),
        () -> adapters.keySet().toString());
    Map<String, float[]> unmoved = new TreeMap<>(adapters);
    unmoved.keySet().removeIf(name -> name.endsWith("lora_A.weight"));
    unmoved.values().removeIf(values -> !Arrays.equals(values, new float[values.length]));
    // At 4×4 latents the deepest attention is over a single position, which has no gradient.
    assertTrue(
        unmoved.keySet().stream().allMatch(n -> n.matches(".*mid_block.*attn1.to_[qk].*")),
        () -> unmoved.keySet().toString());
    Map<String, float[]> trained = read(checkpoint(out, 4).resolve("parameters.safetensors"));
    assertTrue(trained.containsKey("neck.weight"));
    assertFalse(trained.containsKey("unet.conv_in.weight"));
    if (dtype.equals("float32")) {
      assertSame(BASE.resolve(UNET), model.resolve(UNET));
    } else {
      try (SafeTensors unet = SafeTensors.open(model.resolve(UNET))) {
        unet.entries().values().forEach(e -> assertEquals("BF16", e.type().name(), e.name()));
      }
    }
    CommandLineRun sampled =
        CommandLineRun.of(
            "sample", "--model", out, "--rows", 1, "--steps", 1, "--out", folder.resolve("s"));
    assertEquals(0, sampled.status(), sampled::err);
  }

  @Test
  void whatWasTrainedIsALoraForTheBase() throws IOException {
    Path out = folder.resolve("run");
    Path preset = preset("{'lora': {'rank': 2, 'alpha': 8, 'targets': ['to_*', 'conv1']}}");
    CommandLineRun begun = RUNS.train(preset, out, "--base", BASE, "--steps", 2);
    assertEquals(0, begun.status(), begun::err);
    Path model = checkpoint(out, 2).resolve("ema");
    assertTrue(
        read(model.resolve(FILE)).containsKey("unet.down_blocks.0.resnets.0.conv1.lora_A.weight"));
    CommandLineRun listed = CommandLineRun.of("weights", "inspect", model.resolve(FILE), "--brief");
    assertTrue(listed.out().contains("LoRA, names of peft, rank 2, alpha 8"), listed::out);
    byte[] plain = draw("plain");
    assertArrayEquals(plain, draw("none", "--lora", model + ":0"));
    assertFalse(Arrays.equals(plain, draw("adapted", "--lora", model + ":20")));
  }

  private byte[] draw(String name, Object... more) throws IOException {
    Path out = folder.resolve(name);
    List<Object> words =
        new ArrayList<>(List.of("sample", "--model", BASE, "--prompt", "a fox", "--out", out));
    words.addAll(List.of("--seed", 1, "--steps", 2));
    words.addAll(List.of(more));
    CommandLineRun run = CommandLineRun.of(words.toArray());
    assertEquals(0, run.status(), run::err);
    try (Stream<Path> files = Files.list(out)) {
      Path picture = files.collect(Collectors.toList()).getFirst();
      return nacre.neuralassets.scene.PngFile.rgb(javax.imageio.ImageIO.read(picture.toFile()));
    }
  }

  @Test
  void whatCannotBeTrainedIsRefused() throws IOException {
    CommandLineRun demo = CommandLineRun.of("train", "--lora", 4, "--out", folder.resolve("demo"));
    assertRefused(demo, "preset demo has no trained UNet that LoRA could adapt: name Stable");
    Path out = folder.resolve("run");
    CommandLineRun unknown =
        RUNS.train(preset("{'lora': {'rank': 2, 'targets': ['to_kv']}}"), out, "--base", BASE);
    assertRefused(
        unknown,
        "lora.targets: no linear layer or convolution is named to_kv; there are conv_in,"
            + " time_embedding.linear_*, down_blocks.*.resnets.*.conv*");
    assertRefused(
        RUNS.train(preset("{'lora': {'rank': 0}}"), out, "--base", BASE),
        "lora.rank must be a whole number from 1 to 16384, not 0");
    assertRefused(
        RUNS.train(preset("{'lora': {'rank': 2, 'dropout': 1}}"), out, "--base", BASE),
        "lora.dropout is not known; known here are alpha, rank, targets");
    assertEquals(
        0,
        RUNS.train(preset("{'lora': null}"), out, "--base", BASE, "--lora", 2, "--steps", 1)
            .status());
    CommandLineRun other = CommandLineRun.of("train", "--resume", "--out", out, "--lora", 3);
    assertRefused(other, "--lora is not what the run began with");
    Path lora = checkpoint(out, 1).resolve("ema").resolve(FILE);
    Files.delete(lora);
    assertRefused(
        CommandLineRun.of("train", "--resume", "--out", out, "--steps", 2), FILE + ": is missing");
  }

  private static void assertRefused(CommandLineRun run, String told) {
    assertEquals(1, run.status(), run::err);
    assertEquals(1, run.err().lines().count(), run::err);
    assertTrue(run.err().contains(told), run::err);
  }
}
