package nacre.cli;

import static nacre.cli.TinySample.difference;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.cli.output.PngMetadata;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sample --lora}, compared with what export_loras.py had diffusers draw. */
class LoraTest {
  private static final Path MODEL = TinyModel.RESOURCES.resolve("model");
  private static final Path LORAS = TinyModel.RESOURCES.resolve("lora");

  private static final List<String> NAMINGS =
      List.of("kohya", "original", "peft", "old", "processor");

  @TempDir Path folder;
  private int drawn;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  static JsonNode cases() throws IOException {
    return new JsonMapper().readTree(LORAS.resolve("cases.json").toFile());
  }

  static Stream<JsonNode> pictures() throws IOException {
    List<JsonNode> all = new ArrayList<>();
    cases().get("cases").forEach(all::add);
    assertEquals(8, all.size());
    return all.stream();
  }

  private static Path style(String naming) {
    return LORAS.resolve("style-" + naming + ".safetensors");
  }

  @ParameterizedTest
  @MethodSource("pictures")
  void picturesEqualThoseOfDiffusers(JsonNode wanted) throws IOException {
    List<Object> loras = new ArrayList<>();
    for (Map.Entry<String, JsonNode> lora : wanted.get("loras").properties()) {
      Path file =
          lora.getKey().equals("style")
              ? style("kohya")
              : LORAS.resolve(lora.getKey() + ".safetensors");
      loras.addAll(List.of("--lora", file + ":" + lora.getValue()));
    }
    assertClose(wanted.get("name").textValue(), draw(MODEL, loras.toArray()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"original", "peft", "old", "processor"})
  void allNamingsGiveTheSamePicture(String naming) throws IOException {
    byte[] other = draw(MODEL, "--lora", style(naming));
    assertArrayEquals(draw(MODEL, "--lora", style("kohya")), other);
    assertClose("style", other);
  }

  /** peft's folders, of which one is of the UNet; and what diffusers saves of a single UNet. */
  @ParameterizedTest
  @ValueSource(
      strings = {"peft/unet", "peft/unet/adapter_model.safetensors", "style-unet.safetensors"})
  void adaptersOfSingleModelsGiveTheSamePicture(String unet) throws IOException {
    byte[] both =
        draw(
            MODEL,
            "--lora",
            LORAS.resolve(unet),
            "--lora",
            LORAS.resolve("peft/text_encoder") + ":1.0");
    assertArrayEquals(draw(MODEL, "--lora", style("kohya")), both);
    assertClose("style", both);
  }

  @Test
  void foldersOfPeftThatCannotBeReadAreRefused() throws IOException {
    Path copy = Files.createDirectory(folder.resolve("adapter"));
    assertRefused(
        copy,
        "adapter: is a folder without pytorch_lora_weights.safetensors, adapter_model.safetensors,"
            + " pytorch_lora_weights.bin, adapter_model.bin");
    Path file = copy.resolve("adapter_model.safetensors");
    Files.copy(LORAS.resolve("peft/unet/adapter_model.safetensors"), file);
    assertRefused(file, "whose alpha is in its adapter_config.json: put that beside it");
    Path config = copy.resolve("adapter_config.json");
    Files.writeString(config, "{\"peft_type\": \"LOHA\"}");
    assertRefused(copy, "adapter_config.json: peft_type is LOHA, which is not supported");
    Files.writeString(config, "{\"use_dora\": true}");
    assertRefused(copy, "adapter_model.safetensors: is DoRA, which is not supported");
    Files.writeString(config, "{\"lora_alpha\": \"two\"}");
    assertRefused(copy, " in its adapter_config.json is no number");
    Files.writeString(config, "{");
    assertRefused(copy, "adapter_config.json: is not valid JSON");
  }

  @Test
  void withoutWeightItIsThePlainPictureToTheBit() throws IOException {
    byte[] plain = draw(MODEL);
    for (String naming : NAMINGS) {
      assertArrayEquals(plain, draw(MODEL, "--lora", style(naming) + ":0"));
    }
    assertFalse(Arrays.equals(plain, draw(MODEL, "--lora", style("peft"))));
  }

  @Test
  void aTuckerDecompositionIsMultiplied() throws IOException {
    assertClose("tucker", draw(MODEL, "--lora", LORAS.resolve("tucker-multiplied.safetensors")));
    assertClose("tucker", draw(MODEL, "--lora", LORAS.resolve("tucker.safetensors")));
  }

  @Test
  void aSingleFileAndOneModelInMemoryAtATimeDrawTheSame() throws IOException {
    Path file = folder.resolve("whole.safetensors");
    CommandLineRun run = CommandLineRun.of("weights", "convert", MODEL, file);
    assertEquals(0, run.status(), run::err);
    Object[] lora = {"--lora", style("original") + ":1.5"};
    assertClose(
        "style-more", draw(file, "--tokenizer", MODEL.resolve("tokenizer"), lora[0], lora[1]));
    assertClose(
        "style-more",
        draw(MODEL, "--residency", "one", "--vae", MODEL.resolve("vae"), lora[0], lora[1]));
  }

  @Test
  void halfPrecisionIsNear() throws IOException {
    byte[] half = draw(MODEL, "--dtype", "bf16", "--lora", style("kohya"));
    byte[] plain = draw(MODEL, "--dtype", "bf16");
    byte[] whole = draw(MODEL, "--lora", style("kohya"));
    assertTrue(mean(half, whole) < mean(half, plain) / 2, () -> "" + mean(half, whole));
  }

  /** With alphas by layer, and with a scale of alpha/√rank; 2/4 = 1/√4 = 1/2. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'unet.lora_alpha':4,'unet.alpha_pattern':PATTERN,'text_encoder.lora_alpha':2}",
        "{'unet.lora_alpha':1,'unet.use_rslora':true,'text_encoder.lora_alpha':2}"
      })
  void peftsConfigurationIsHeeded(String config) throws IOException {
    Path file = folder.resolve("configured.safetensors");
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> tensors = read(style("peft"));
      String pattern =
          tensors.keySet().stream()
              .filter(name -> name.startsWith("unet.") && name.endsWith(".lora_A.weight"))
              .map(name -> name.substring("unet.".length(), name.indexOf(".lora_A")))
              .map(name -> name.startsWith("down_blocks.0") ? "^" + name : name)
              .map(name -> "'" + name + "':2.0")
              .collect(Collectors.joining(",", "{", "}"));
      SafeTensorsWriter writer = new SafeTensorsWriter();
      writer.metadata(
          "lora_adapter_metadata", config.replace("PATTERN", pattern).replace('\'', '"'));
      tensors.forEach((name, tensor) -> writer.add(name, tensor, Layout.SAME));
      writer.write(file);
    }
    assertArrayEquals(draw(MODEL, "--lora", style("peft")), draw(MODEL, "--lora", file));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'unet.use_dora':true} | is DoRA, which is not supported",
        "{'unet.lora_alpha':'two'} | is no number",
        "{'unet.lora_alpha':2,'unet.alpha_pattern':{'.*to_q':1}} | the alpha_pattern .*to_q",
        "{'unet.lora_alpha': | its lora_adapter_metadata is not valid JSON"
      },
      quoteCharacter = '`')
  void configurationsThatAreNotSupportedAreNamed(String config, String message) throws IOException {
    Path file = folder.resolve("configured.safetensors");
    try (Scope _ = Scope.open()) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      writer.metadata("lora_adapter_metadata", config.replace('\'', '"'));
      read(style("peft")).forEach((name, tensor) -> writer.add(name, tensor, Layout.SAME));
      writer.write(file);
    }
    assertRefused(file, message);
  }

  @Test
  void thePictureNamesThem() throws IOException {
    draw(MODEL, "--lora", style("kohya") + ":0.5", "--lora", LORAS.resolve("form.safetensors"));
    Map<String, String> texts = PngMetadata.read(only(folder.resolve("1")));
    assertEquals(
        "%s:0.5, %s:1.0".formatted(style("kohya"), LORAS.resolve("form.safetensors")),
        texts.get("loras"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lora_unet_mid_block_attentions_0_proj_out.dora_scale | DoRA",
        "unet.mid_block.attentions.0.proj_out.lora_magnitude_vector | DoRA",
        "lora_unet_mid_block_attentions_0_proj_out.hada_w1_a | LoHa",
        "lora_unet_mid_block_attentions_0_proj_out.lokr_w1 | LoKr",
        "lora_unet_mid_block_attentions_0_proj_out.on_input | (IA)³",
        "lora_unet_conv_norm_out.diff | a LoRA with whole differences",
        "lora_unet_mid_block_attentions_0_proj_out.diff_b | a LoRA with whole differences",
        "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight | a LoRA of Stable Diffusion"
            + " XL",
        "text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_A.weight | a LoRA of Stable"
            + " Diffusion XL",
        "bundle_emb.cat.string_to_param | a LoRA with embeddings",
        "transformer.transformer_blocks.0.attn.to_q.lora_A.weight | a LoRA of a transformer",
      })
  void otherKindsAreRefusedByName(String tensor, String kind) throws IOException {
    Path file = with(tensor, Shape.of(4, 4));
    assertRefused(file, "is " + kind, ", which is not supported: it holds " + tensor);
    CommandLineRun run = CommandLineRun.of("weights", "inspect", "--brief", file);
    assertTrue(run.out().contains("holds     " + kind), run::out);
  }

  @Test
  void whatDoesNotFitIsNamed() throws IOException {
    String query = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
    assertRefused(
        changed(name -> name.replace("mid_block_attentions", "mid_block_extras")),
        "is a LoRA of another model: 11 layers that the model has not, such as"
            + " lora_unet_mid_block_extras_0_");
    assertRefused(
        changed(name -> name.equals(query + ".lora_up.weight") ? null : name),
        "is incomplete: " + query + " has no up matrix");
    assertRefused(
        with(query + ".lora_down.weight", Shape.of(4, 24)),
        "1 not fitting: " + query + ".lora_down.weight is [4, 24], [4, 16] is wanted for",
        "mid_block.attentions.0.transformer_blocks.0.attn1.to_q [16, 16]");
    assertRefused(with(query + ".alpha", Shape.of(2)), ".alpha is [2], one number is wanted");
    assertRefused(with(query + ".scale", Shape.of(1)), "1 of its tensors are of no LoRA");
    assertRefused(
        with("unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", null),
        "has no up matrix");
    assertRefused(
        MODEL.resolve("unet/diffusion_pytorch_model.safetensors"),
        "is no LoRA: it holds 324 tensors (conv_in",
        " more");
    assertRefused(folder.resolve("none.safetensors"), "no such file");
  }

  @Test
  void damagedFilesAreRefused() throws IOException {
    Path nan = folder.resolve("nan.safetensors");
    rewrite(style("kohya"), nan, name -> name, Float.NaN);
    assertRefused(nan, "is damaged: lora_", " holds NaN");
    assertRefused(Path.of(nan + ":0"), "is damaged: lora_");
    Path pickle = folder.resolve("pickle.safetensors");
    Files.write(pickle, new byte[] {(byte) 0x80, 2, '}', 'q', 0, '.', 0, 0, 0, 0, 0, 0});
    assertRefused(pickle, "is a pickle, but none of torch.save");
    CommandLineRun run =
        CommandLineRun.of("sample", "--model", MODEL, "--prompt", "x", "--lora", pickle + ":much");
    assertEquals(2, run.status());
    assertTrue(run.err().contains("the weight 'much' is no number"), run::err);
  }

  @Test
  void inspectSaysWhatAFileIs() {
    CommandLineRun run = CommandLineRun.of("weights", "inspect", "--brief", style("kohya"));
    assertTrue(
        run.out()
            .contains(
                "holds     LoRA, names of kohya, rank 4, alpha 2; layers: 36 of the UNet, 12 of the"
                    + " text encoder, 4 of them convolutions of more than one pixel; targets: to_q,"
                    + " to_k, to_v, to_out_0, ff_net_0_proj, ff_net_2, proj_in, proj_out, q_proj,"
                    + " k_proj, v_proj, out_proj, mlp_fc1, mlp_fc2, 6 others"),
        run::out);
    run = CommandLineRun.of("weights", "inspect", "--brief", style("peft"));
    assertTrue(run.out().contains("LoRA, names of peft, rank 4, alpha 2; layers: 36"), run::out);
    Path text = LORAS.resolve("peft/text_encoder/adapter_model.safetensors");
    run = CommandLineRun.of("weights", "inspect", "--brief", text);
    assertTrue(
        run.out().contains("LoRA, names of peft, rank 4, alpha 8; layers: 0 of the UNet, 12 of"),
        run::out);
    run = CommandLineRun.of("weights", "inspect", "--brief", LORAS.resolve("form.safetensors"));
    assertTrue(run.out().contains("rank 2, alpha 2; layers: 8 of the UNet, 0 of"), run::out);
  }

  /** The file under kohya's names, with a tensor of ones added or replaced; null for its own. */
  private Path with(String tensor, Shape shape) throws IOException {
    Path file = folder.resolve("with.safetensors");
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> tensors = read(style("kohya"));
      Tensor added = Tensor.empty(Device.cpu(), DType.F32, shape == null ? Shape.of(4, 16) : shape);
      added.backend().fill(added, 1);
      tensors.put(tensor, added);
      write(tensors, file);
    }
    return file;
  }

  /** The file under kohya's names with others; those that become null are left out. */
  private Path changed(UnaryOperator<String> names) throws IOException {
    Path file = folder.resolve("changed.safetensors");
    rewrite(style("kohya"), file, names, 0);
    return file;
  }

  /** Writes a file anew; the first factor's numbers become {@code value} unless that is 0. */
  private static void rewrite(Path from, Path to, UnaryOperator<String> names, float value)
      throws IOException {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> renamed = new LinkedHashMap<>();
      boolean first = value != 0;
      for (Map.Entry<String, Tensor> each : read(from).entrySet()) {
        if (first && each.getValue().shape().rank() > 1) {
          each.getValue().backend().fill(each.getValue(), value);
          first = false;
        }
        String name = names.apply(each.getKey());
        if (name != null) {
          renamed.put(name, each.getValue());
        }
      }
      write(renamed, to);
    }
  }

  private static Map<String, Tensor> read(Path file) throws IOException {
    try (StateDict dict = StateDict.open(file)) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      for (SafeTensors.Entry entry : dict.entries().values()) {
        tensors.put(entry.name(), entry.toTensor(Device.cpu(), DType.F32, Layout.SAME));
      }
      return tensors;
    }
  }

  private static void write(Map<String, Tensor> tensors, Path file) throws IOException {
    SafeTensorsWriter writer = new SafeTensorsWriter();
    tensors.forEach((name, tensor) -> writer.add(name, tensor, Layout.SAME));
    writer.write(file);
  }

  private void assertRefused(Path lora, String... words) {
    CommandLineRun run =
        CommandLineRun.of(
            "sample",
            "--model",
            MODEL,
            "--prompt",
            "x",
            "--out",
            folder.resolve("out"),
            "--lora",
            lora);
    assertEquals(1, run.status(), run::err);
    assertEquals(1, run.err().lines().count(), run::err);
    for (String word : words) {
      assertTrue(run.err().contains(word), run::err);
    }
    assertFalse(Files.exists(folder.resolve("out")));
  }

  private byte[] draw(Path model, Object... more) throws IOException {
    JsonNode settings = cases().get("settings");
    Path out = folder.resolve(Integer.toString(++drawn));
    List<Object> words = new ArrayList<>(List.of("sample", "--model", model, "--out", out));
    for (String key : List.of("prompt", "scheduler", "steps", "guidance", "seed")) {
      words.addAll(List.of("--" + key, settings.get(key).asText()));
    }
    JsonNode size = settings.get("size");
    words.addAll(List.of("--size", size.get(0) + "x" + size.get(1)));
    words.addAll(List.of(more));
    CommandLineRun run = CommandLineRun.of(words.toArray());
    assertEquals(0, run.status(), run::err);
    return PngFile.rgb(ImageIO.read(only(out).toFile()));
  }

  private static Path only(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findFirst().orElseThrow();
    }
  }

  private static void assertClose(String name, byte[] picture) throws IOException {
    byte[] wanted = PngFile.rgb(ImageIO.read(LORAS.resolve(name + ".png").toFile()));
    int largest = difference(wanted, picture);
    assertTrue(largest <= 2, name + " differs by " + largest);
  }

  private static double mean(byte[] a, byte[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs((a[i] & 0xFF) - (b[i] & 0xFF));
    }
    return sum / a.length;
  }
}
