package nacre.cli;

import static nacre.cli.TinySample.MODEL;
import static nacre.cli.TinySample.TINY;
import static nacre.cli.TinySample.files;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.Memory;
import nacre.weights.StateDict;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * PyTorch's own files wherever weights are asked for: what is drawn and written is that of the same
 * weights in safetensors. Those in {@code tiny-sd/torch} PyTorch wrote: export_torch.py.
 */
class TorchFilesTest {
  private static final Path TORCH = TINY.resolve("torch");
  private static final Path WEIGHTS = Path.of("../../weights/src/test/resources/torch");
  private static final Path ENCODERS = Path.of("../../nn/src/test/resources/encoders");
  private static final String UNET = "unet/diffusion_pytorch_model";
  private static final String VAE = "vae/diffusion_pytorch_model";

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  private byte[] drawn(Object... more) throws IOException {
    Path out = Files.createTempDirectory(folder, "out");
    List<Object> words = new ArrayList<>(List.of("sample", "--out", out, "--steps", 2));
    words.addAll(List.of("--size", "48x32", "--seed", 3));
    words.addAll(Arrays.asList(more));
    CommandLineRun run = CommandLineRun.of(words.toArray());
    assertEquals(0, run.status(), run::err);
    return PngFile.rgb(ImageIO.read(files(out).getFirst().toFile()));
  }

  private static String ran(Object... words) {
    CommandLineRun run = CommandLineRun.of(words);
    assertEquals(0, run.status(), run::err);
    return run.out();
  }

  /** A copy of the model with no safetensors in it: one file, one in shards, one of PyTorch's. */
  private Path pickled() throws IOException {
    Path model = TinyModel.copyTo(folder.resolve("pickled")).root();
    Path unet = model.resolve(UNET + ".safetensors");
    PickledFile.write(unet, model.resolve(UNET + "-00001-of-00002.bin"), "weight");
    PickledFile.write(unet, model.resolve(UNET + "-00002-of-00002.bin"), "bias");
    StringBuilder map = new StringBuilder("{\"weight_map\": {");
    try (var dict = StateDict.open(unet)) {
      for (String name : dict.entries().keySet()) {
        map.append(map.length() > 20 ? "," : "");
        map.append(
            "\"%s\":\"diffusion_pytorch_model-0000%d-of-00002.bin\""
                .formatted(name, name.endsWith("weight") ? 1 : 2));
      }
    }
    Files.writeString(model.resolve(UNET + ".bin.index.json"), map + "}}");
    PickledFile.write(model.resolve(VAE + ".safetensors"), model.resolve(VAE + ".fp16.bin"), "");
    Files.copy(TORCH.resolve("pytorch_model.bin"), model.resolve("text_encoder/pytorch_model.bin"));
    for (String part : List.of(UNET, VAE, "text_encoder/model")) {
      Files.delete(model.resolve(part + ".safetensors"));
    }
    return model;
  }

  @Test
  void aFolderOfThemDrawsTheSamePicture() throws IOException {
    Object[] prompt = {"--prompt", "a painting of a fox", "--guidance", 5};
    byte[] wanted = drawn("--model", MODEL, prompt[0], prompt[1], prompt[2], prompt[3]);
    Path model = pickled();
    assertArrayEquals(wanted, drawn("--model", model, prompt[0], prompt[1], prompt[2], prompt[3]));
    // Safetensors go first: a broken file beside them is not opened.
    Files.writeString(model.resolve("text_encoder/pytorch_model.bin"), "broken");
    Files.copy(
        MODEL.resolve("text_encoder/model.safetensors"),
        model.resolve("text_encoder/model.safetensors"));
    assertArrayEquals(wanted, drawn("--model", model, prompt[0], prompt[1], prompt[2], prompt[3]));
  }

  @Test
  void aFolderOfThemBecomesTheFolderOfSafetensors() throws IOException {
    Path model = pickled();
    Files.writeString(model.resolve("unet/optimizer.bin"), "not weights");
    Path out = folder.resolve("out");
    ran("weights", "convert", model, out);
    Path again = folder.resolve("again");
    ran("weights", "convert", MODEL, again);
    for (String part : List.of(UNET, VAE, "text_encoder/model")) {
      Path file = out.resolve(part + ".safetensors");
      assertEquals(-1, Files.mismatch(again.resolve(part + ".safetensors"), file), part);
    }
    assertFalse(Files.exists(out.resolve("unet/optimizer.bin")));
    assertFalse(Files.exists(out.resolve(UNET + ".bin.index.json")));
    Path single = folder.resolve("single.safetensors");
    Path same = folder.resolve("same.safetensors");
    ran("weights", "convert", model, single);
    ran("weights", "convert", MODEL, same);
    assertEquals(-1, Files.mismatch(single, same));
  }

  @Test
  void anAutoencoderALoraAndAWordDrawTheSamePicture() throws IOException {
    Path vae = folder.resolve("my-vae.ckpt");
    PickledFile.write(MODEL.resolve(VAE + ".safetensors"), vae, "");
    Path safe = Files.copy(MODEL.resolve(VAE + ".safetensors"), folder.resolve("my.safetensors"));
    Path prompts = Path.of("../../diffusion/src/test/resources/prompts");
    byte[] wanted =
        drawn(
            "--model",
            MODEL,
            "--prompt",
            "<one>, style",
            "--vae",
            safe,
            "--lora",
            TINY.resolve("lora/style-kohya.safetensors") + ":0.7",
            "--embedding",
            prompts.resolve("learned_embeds.safetensors"),
            "--embedding",
            prompts.resolve("style.safetensors"));
    for (Path lora : new Path[] {TORCH.resolve("pytorch_lora_weights.bin"), TORCH}) {
      assertArrayEquals(
          wanted,
          drawn(
              "--model",
              MODEL,
              "--prompt",
              "<one>, style",
              "--vae",
              vae,
              "--lora",
              lora + ":0.7",
              "--embedding",
              TORCH.resolve("learned_embeds.bin"),
              "--embedding",
              TORCH.resolve("style.pt")));
    }
  }

  @Test
  void anImageEncoderBeginsWithOne() throws IOException {
    Path dino = ENCODERS.resolve("dino-files/dino_pretrain.pth");
    Path run = folder.resolve("run");
    Object[] train = {
      "train", "--steps", 1, "--eval-pairs", 0, "--no-sheet", "--preset", "tiny", "--image-encoder"
    };
    List<Object> words = new ArrayList<>(Arrays.asList(train));
    words.addAll(List.of(dino, "--out", run));
    assertTrue(ran(words.toArray()).contains("dino_pretrain.pth, vit\n"));
    Path first = run.resolve("checkpoints/step-000000000/ema/image_encoder");
    String listed = ran("weights", "inspect", first);
    assertTrue(listed.contains("encoder.layer.0.attention.attention.query.weight"), listed);
    Path folderOfIt = folder.resolve("encoder");
    TinyModel.copy(ENCODERS.resolve("timm-dino"), folderOfIt);
    PickledFile.write(
        folderOfIt.resolve("model.safetensors"), folderOfIt.resolve("pytorch_model.bin"), "");
    Files.delete(folderOfIt.resolve("model.safetensors"));
    words = new ArrayList<>(Arrays.asList(train));
    words.addAll(List.of(folderOfIt, "--out", folder.resolve("run2")));
    ran(words.toArray());
  }

  @Test
  void inspectSaysWhichDictionaryIsTaken() {
    Path file = WEIGHTS.resolve("lightning.ckpt");
    String listed = ran("weights", "inspect", file);
    assertTrue(
        listed.contains(
            "taken     the dictionary state_dict; --key takes another: model_ema, callbacks,"
                + " optimizer_states\n"),
        listed);
    assertTrue(listed.contains("0.weight               F32   [3, 2]               24\n"), listed);
    assertTrue(listed.contains("total     7 tensors, 22 numbers, 92 bytes"), listed);
    String other = ran("weights", "inspect", "--key", "optimizer_states.0", file);
    assertTrue(other.contains("taken     the dictionary optimizer_states.0\n"), other);
    assertTrue(other.contains("state.0.exp_avg  "), other);
    String all = ran("weights", "inspect", "--brief", TORCH);
    assertTrue(all.contains("LoRA, names of kohya"), all);
    assertTrue(all.contains("CLIP text encoder"), all);
  }

  @Test
  void convertTakesTheDictionaryThatIsAskedFor() throws IOException {
    Path file = WEIGHTS.resolve("lightning-legacy.ckpt");
    Path out = folder.resolve("ema.safetensors");
    ran("weights", "convert", "--key", "model_ema", "--dtype", "f16", file, out);
    String listed = ran("weights", "inspect", out);
    assertTrue(listed.contains("1.running_var          F16 "), listed);
    assertFalse(listed.contains("taken"), listed);
    assertRefused(
        "has no tensors under ema; it has some under state_dict, model_ema,",
        "--key",
        "ema",
        file,
        folder.resolve("no.safetensors"));
    assertRefused(
        "--key is for one file that becomes one .safetensors",
        "--key",
        "model",
        MODEL,
        folder.resolve("no"));
    assertRefused(
        "torch.nn.modules.container.Sequential, which is refused",
        WEIGHTS.resolve("module.pt"),
        folder.resolve("no.safetensors"));
    assertFalse(Files.exists(folder.resolve("no.safetensors")));
  }

  private static void assertRefused(String reason, Object... words) {
    List<Object> all = new ArrayList<>(List.of("weights", "convert"));
    all.addAll(Arrays.asList(words));
    CommandLineRun run = CommandLineRun.of(all.toArray());
    assertTrue(run.status() != 0, run::out);
    assertTrue(run.err().contains(reason), run::err);
  }
}
