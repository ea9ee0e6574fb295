package nacre.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Function;
import nacre.diffusion.DiffusersFolder;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code nacre weights} as it is typed, on a model of a few thousand numbers. */
class WeightsCommandTest {
  @TempDir Path folder;
  private Path model;

  @BeforeEach
  void save() throws IOException {
    model = folder.resolve("model");
    DiffusersFolder files = new DiffusersFolder(model);
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 3);
      UNetConfig unet =
          json(
              """
              {'block_out_channels': [4, 8], 'layers_per_block': 1, 'norm_num_groups': 2,
               'down_block_types': ['CrossAttnDownBlock2D', 'DownBlock2D'],
               'up_block_types': ['UpBlock2D', 'CrossAttnUpBlock2D'],
               'attention_head_dim': 2, 'cross_attention_dim': 6}\
              """,
              UNetConfig::of);
      files.writeUNet(new UNet2DCondition(p.at("unet"), unet), p.at("unet"));
      VaeConfig vae =
          json(
              """
              {'block_out_channels': [4, 8], 'layers_per_block': 1, 'norm_num_groups': 2,
               'down_block_types': ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
               'up_block_types': ['UpDecoderBlock2D', 'UpDecoderBlock2D']}\
              """,
              VaeConfig::of);
      files.writeVae(new AutoencoderKL(p.at("vae"), vae), p.at("vae"));
      ClipTextConfig text =
          json(
              """
              {'vocab_size': 20, 'hidden_size': 6, 'intermediate_size': 8, 'hidden_act': 'gelu',
               'num_hidden_layers': 2, 'num_attention_heads': 2}\
              """,
              ClipTextConfig::of);
      files.writeTextEncoder(new ClipTextModel(p.at("text"), text), p.at("text"));
    }
  }

  private static <T> T json(String text, Function<JsonNode, T> build) throws IOException {
    return build.apply(new JsonMapper().readTree(text.replace('\'', '"')));
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static String ran(Object... words) {
    CommandLineRun run = CommandLineRun.of(words);
    assertEquals(0, run.status(), run::err);
    return run.out();
  }

  private static void assertRefused(String words, Object... command) {
    CommandLineRun run = CommandLineRun.of(command);
    assertEquals(1, run.status(), run::out);
    assertEquals(1, run.complaints().size(), run::err);
    assertTrue(run.err().contains(words), run::err);
  }

  @Test
  void aModelGoesThroughASingleFileAndBack() throws IOException {
    Path single = folder.resolve("deep/single.safetensors");
    assertEquals("wrote  " + single, ran("weights", "convert", model, single).strip());
    String listed = ran("weights", "inspect", single);
    assertTrue(
        listed.contains(
            "Stable Diffusion in a single file, names of the original code, configured by its"
                + " metadata"),
        listed);
    assertTrue(listed.contains("metadata  unet/config.json = {"), listed);
    assertTrue(listed.contains("model.diffusion_model.out.2.weight"), listed);

    Path again = folder.resolve("again");
    String out = ran("weights", "convert", single, again);
    assertTrue(out.contains("--tokenizer FOLDER"), out);
    String weights = "unet/diffusion_pytorch_model.safetensors";
    assertEquals(-1, Files.mismatch(model.resolve(weights), again.resolve(weights)));
    try (Scope _ = Scope.open()) {
      Checkpoint.open(again).readTextEncoder(Parameters.unwritten(Device.cpu(), DType.F32));
    }
  }

  @Test
  void aFolderIsListedFileByFile() {
    String brief = ran("weights", "inspect", "--brief", model);
    assertEquals(3, brief.lines().filter(line -> line.startsWith("file ")).count());
    for (String holds :
        new String[] {
          "holds     UNet, names of diffusers",
          "holds     autoencoder, names of diffusers",
          "holds     CLIP text encoder, names of transformers before 5.6",
          "metadata  format = pt",
        }) {
      assertTrue(brief.contains(holds), brief);
    }
    assertFalse(brief.contains("conv_in"), brief);
    String some = ran("weights", "inspect", "--only", "^conv_in", model.resolve("unet"));
    assertEquals(2, some.lines().filter(line -> line.startsWith("conv_in.")).count());
    assertTrue(some.contains("conv_in.weight  F32   [4, 4, 3, 3]              576"), some);
  }

  @Test
  void numbersAreConverted() {
    Path half = folder.resolve("half");
    ran("weights", "convert", "--dtype", "bf16", model, half);
    String listed = ran("weights", "inspect", "--brief", half);
    assertEquals(3, listed.lines().filter(line -> line.contains(" of BF16")).count(), listed);
    assertFalse(listed.contains("of F32"), listed);
    assertTrue(Files.exists(half.resolve("unet/config.json")));
    Path file = folder.resolve("unet.safetensors");
    Path unet = half.resolve("unet/diffusion_pytorch_model.safetensors");
    ran("weights", "convert", "--dtype", "f16", unet, file);
    assertTrue(ran("weights", "inspect", "--brief", file).contains(" of F16"));
  }

  @Test
  void mistakesAreToldInOneLine() throws IOException {
    assertRefused("no such file", "weights", "inspect", folder.resolve("none"));
    Path empty = Files.createDirectories(folder.resolve("empty"));
    assertRefused("holds no .safetensors", "weights", "inspect", empty);
    assertRefused("--only (", "weights", "inspect", "--only", "(", model);
    assertRefused("exists already", "weights", "convert", model, empty);
    Path out = folder.resolve("out.safetensors");
    assertRefused("has no unet/", "weights", "convert", model.resolve("vae"), out);
    Path unet = model.resolve("unet/diffusion_pytorch_model.safetensors");
    assertRefused("is no Stable Diffusion", "weights", "convert", unet, folder.resolve("out"));
    assertRefused(
        "sd-1.5, sd-2.1-base, sd-2.1",
        "weights",
        "convert",
        "--family",
        "sd-9",
        unet,
        folder.resolve("out"));
    assertEquals(2, CommandLineRun.of("weights", "convert", "--dtype", "f8", model, out).status());
    byte[] whole = Files.readAllBytes(unet);
    Files.write(unet, Arrays.copyOf(whole, whole.length / 2));
    assertRefused("truncated", "weights", "convert", model, out);
    assertRefused("truncated", "weights", "convert", model, folder.resolve("out"));
    assertFalse(Files.exists(out));
    assertFalse(Files.exists(folder.resolve("out")));
  }

  @Test
  void namesCannotSteerTheTerminal() throws IOException {
    Path file = folder.resolve("odd.safetensors");
    try (Scope _ = Scope.open()) {
      new SafeTensorsWriter()
          .metadata("a", "line\nbreak" + "x".repeat(200))
          .add("\u001b[31mred", Tensor.of(Device.cpu(), Shape.of(1), 1), Layout.SAME)
          .write(file);
    }
    String listed = ran("weights", "inspect", file);
    assertTrue(listed.contains("?[31mred"), listed);
    assertTrue(listed.contains("line?break"), listed);
    assertTrue(listed.contains("… (210 characters)"), listed);
    assertTrue(listed.contains("tensors of no model that is known"), listed);
  }
}
