package nacre.diffusion.text;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.diffusion.checkpoint.DiffusersFolder;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against encodings by transformers and diffusers (export_prompt_encodings.py). */
class PromptEncoderTest {
  private static final Path MODEL = Path.of("../tools/cli/src/test/resources/tiny-sd/model");
  private static final Path FOLDER = Path.of("src/test/resources/prompts");

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static PromptEncoder encoder(ClipTextConfig config, TextualInversion... embeddings)
      throws WeightsException {
    ClipTokenizer tokenizer = ClipTokenizer.read(MODEL.resolve("tokenizer"));
    return new PromptEncoder(tokenizer, List.of(embeddings), config);
  }

  private static TextualInversion read(String file) throws WeightsException {
    return TextualInversion.read(FOLDER.resolve(file), Optional.empty());
  }

  @Test
  void encodingsEqualTheReferences() throws IOException {
    JsonNode cases = new JsonMapper().readTree(FOLDER.resolve("cases.json").toFile());
    List<Executable> checks = new ArrayList<>();
    try (Scope _ = Scope.open();
        StateDict wanted = StateDict.open(FOLDER.resolve("encodings.safetensors"))) {
      Device device = Device.cpu();
      ClipTextModel model =
          new DiffusersFolder(MODEL)
              .readTextEncoder(Parameters.unwritten(device, DType.F32).frozen());
      PromptEncoder encoder =
          encoder(
              model.config(),
              read("learned_embeds.safetensors"),
              read("two.safetensors"),
              read("style.safetensors"));
      for (int i = 0; i < cases.size(); i++) {
        JsonNode line = cases.get(i);
        PromptOptions options =
            new PromptOptions(
                PromptSyntax.named(line.get("syntax").textValue()).orElseThrow(),
                line.get("clip_skip").intValue());
        String prompt = line.get("prompt").textValue();
        boolean negative = line.get("negative").booleanValue();
        Tensor encoded = encoder.encode(model, prompt, options, negative);
        Tensor expected =
            wanted.entries().get("encoding." + i).toTensor(device, DType.F32, Layout.SAME);
        checks.add(() -> assertClose(expected, encoded, options + " " + prompt));
      }
      assertEquals(47, checks.size());
      assertAll(checks);
    }
  }

  /**
   * A text encoder as Stable Diffusion 2 has one, whose last layer is gone already: skipping begins
   * behind that, and goes on to the tokens' own vectors (export_clip_skip.py).
   */
  @Test
  void layersAreLeftOutOfStableDiffusion2sAsWell() throws IOException {
    Path folder = MODEL.resolveSibling("sd2");
    JsonMapper json = new JsonMapper();
    JsonNode texts = json.readTree(folder.resolve("prompts.json").toFile());
    Map<String, JsonNode> configs = new HashMap<>();
    for (String name : List.of("tokenizer_config.json", "special_tokens_map.json")) {
      configs.put(name, json.readTree(folder.resolve("tokenizer").resolve(name).toFile()));
    }
    ClipTokenizer tokenizer = ClipTokenizer.read(MODEL.resolve("tokenizer"), configs);
    try (Scope _ = Scope.open();
        StateDict wanted = StateDict.open(folder.resolve("encodings.safetensors"))) {
      ClipTextModel model =
          new DiffusersFolder(folder)
              .readTextEncoder(Parameters.unwritten(Device.cpu(), DType.F32).frozen());
      PromptEncoder encoder = new PromptEncoder(tokenizer, List.of(), model.config());
      for (int skip = 0; skip <= 4; skip++) {
        PromptOptions options = new PromptOptions(PromptSyntax.PLAIN, skip);
        for (boolean negative : new boolean[] {false, true}) {
          String name = negative ? "negative.none" : "prompt." + (skip == 0 ? "none" : skip);
          Tensor all = wanted.entries().get(name).toTensor(Device.cpu(), DType.F32, Layout.SAME);
          JsonNode prompts = texts.get(negative ? "negatives" : "prompts");
          assertEquals(4, prompts.size());
          for (int i = 0; i < prompts.size(); i++) {
            Tensor encoded = encoder.encode(model, prompts.get(i).textValue(), options, negative);
            assertClose(all.rows(i, i + 1), encoded, name + " of " + prompts.get(i));
          }
        }
      }
    }
  }

  private static void assertClose(Tensor expected, Tensor encoded, String what) {
    assertEquals(expected.shape(), encoded.shape(), what);
    float[] a = expected.toFloats();
    float[] b = encoded.toFloats();
    double error = 0;
    double norm = 0;
    for (int i = 0; i < a.length; i++) {
      error += Math.pow(a[i] - b[i], 2);
      norm += Math.pow(a[i], 2);
    }
    assertTrue(Math.sqrt(error / norm) < 1e-5, what + ": " + Math.sqrt(error / norm));
  }

  /** Brackets, numbers, escapes and breaks thrown together. */
  @Test
  void weightsAreThoseOfTheReference() throws IOException {
    JsonNode lines = new JsonMapper().readTree(FOLDER.resolve("syntax.json").toFile());
    assertEquals(300, lines.size());
    for (JsonNode line : lines) {
      String prompt = line.get("prompt").textValue();
      List<WeightedText> wanted = new ArrayList<>();
      for (JsonNode run : line.get("runs")) {
        String text = run.get(0).textValue();
        double weight = run.get(1).doubleValue();
        wanted.add(new WeightedText(text == null ? "BREAK" : text, weight, text == null));
      }
      assertEquals(wanted, WeightedText.parse(prompt), prompt);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "a [cat:dog:0.5] on a table; '[cat:dog:0.5]' is a prompt that changes from step to step",
        "a [cat: 3 ]; '[cat: 3 ]' is a prompt that changes",
        "[(a:1.2)::.5]; '[(a:1.2)::.5]' is a prompt that changes",
        "a (nice [cat|dog|(red:1.2) fox]); '[cat|dog|(red:1.2) fox]' is a prompt that changes",
        "a \\\\[cat|dog]; '[cat|dog]' is a prompt that changes",
        "\\\\\\\\[cat|dog]; '[cat|dog]' is a prompt that changes",
        "[cat\\]|dog]; '[cat\\]|dog]' is a prompt that changes",
        "a cat AND a dog; 'AND' is a prompt of several",
        "a picture of 16:9; ':9' is the weight of a whole prompt",
        "a fox <lora:detail:0.7>; '<lora:detail:0.7>' is a network",
        "(fox:1.2.3); the weight ':1.2.3)' is no number",
        "(a cat BREAK a dog); BREAK stands in brackets",
      })
  void refusesByNameWhatIsNotSupported(String prompt, String reason) throws IOException {
    PromptOptions options = new PromptOptions(PromptSyntax.A1111, 0);
    PromptEncoder encoder = encoder(config());
    String message =
        assertThrows(IllegalArgumentException.class, () -> encoder.check(prompt, options, false))
            .getMessage();
    assertTrue(message.startsWith(reason), message);
    encoder.check(prompt, PromptOptions.DEFAULT, false);
  }

  @Test
  void whatOnlyLooksLikeItIsText() throws IOException {
    PromptOptions options = new PromptOptions(PromptSyntax.A1111, 0);
    PromptEncoder encoder = encoder(config());
    for (String prompt :
        List.of(
            "[a:b]",
            "\\[a:b:0.5\\]",
            "\\[a|b]",
            "a \\[a|b]",
            "\\\\\\[a|b]",
            "[3]",
            "[a|b",
            "[a|b\\",
            "[a (b|c)]",
            "SAND",
            "at 12: noon",
            "[a:b:c:0.5]")) {
      encoder.check(prompt, options, false);
    }
    // These belong to the prompt, not to the negative one.
    encoder.check("a AND <lora:b:1> c:2", options, true);
    assertThrows(IllegalArgumentException.class, () -> encoder.check("[a|b]", options, true));
  }

  /** As stable-diffusion-webui restores it, in each chunk by itself. */
  @Test
  void weightsLeaveTheMeanOfAChunkAsItWas() throws IOException {
    try (Scope _ = Scope.open()) {
      ClipTextModel model =
          new DiffusersFolder(MODEL)
              .readTextEncoder(Parameters.unwritten(Device.cpu(), DType.F32).frozen());
      PromptEncoder encoder = encoder(model.config());
      PromptOptions options = new PromptOptions(PromptSyntax.A1111, 0);
      float[] plain =
          encoder.encode(model, "a fox BREAK a red cat BREAK snow", options, false).toFloats();
      float[] weighted =
          encoder
              .encode(model, "a fox BREAK a (red:1.5) cat BREAK (snow:0.5)", options, false)
              .toFloats();
      int size = plain.length / 3;
      for (int chunk = 0; chunk < 3; chunk++) {
        double before = 0;
        double after = 0;
        double change = 0;
        for (int i = chunk * size; i < (chunk + 1) * size; i++) {
          before += plain[i];
          after += weighted[i];
          change = Math.max(change, Math.abs(plain[i] - weighted[i]));
        }
        assertEquals(before, after, 1e-4 * Math.abs(before), "chunk " + chunk);
        assertEquals(chunk > 0, change > 1e-3, "chunk " + chunk);
      }
    }
  }

  @Test
  void tokensGoTheSameWayAsTheirVectors() throws IOException {
    try (Scope _ = Scope.open()) {
      ClipTextModel model =
          new DiffusersFolder(MODEL)
              .readTextEncoder(Parameters.unwritten(Device.cpu(), DType.F32).frozen());
      Tensor ids = Tensor.ofInts(Device.cpu(), Shape.of(1, 3), 5, 7, 6);
      Tensor encoded = model.forward(ids);
      assertEquals(Shape.of(1, 3, 16), encoded.shape());
      assertArrayEquals(
          model.forwardVectors(model.tokenVectors(ids), 0).toFloats(), encoded.toFloats());
      assertEquals(DType.BF16, model.forward(ids, DType.BF16).dtype());
      Tensor flat = Tensor.ofInts(Device.cpu(), Shape.of(3), 5, 7, 6);
      String message =
          assertThrows(IllegalArgumentException.class, () -> model.forward(flat)).getMessage();
      assertTrue(message.endsWith("[N, T] with T up to 77 is wanted"), message);
      message =
          assertThrows(IllegalArgumentException.class, () -> model.forwardVectors(flat, 0))
              .getMessage();
      assertTrue(message.endsWith("[N, T, C] with T up to 77 is wanted"), message);
    }
  }

  @Test
  void anEmbeddingHasOneToSeventyFiveVectors(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("some.safetensors");
    try (Scope _ = Scope.open()) {
      for (int vectors : new int[] {0, 1, 75, 76}) {
        Tensor tensor = Tensor.zeros(Device.cpu(), DType.F32, Shape.of(vectors, 16));
        new SafeTensorsWriter().add("emb_params", tensor, Layout.SAME).write(file);
        if (vectors == 1 || vectors == 75) {
          assertEquals(vectors, TextualInversion.read(file, Optional.empty()).vectors().size());
        } else {
          assertUnreadable("with up to 75 vectors is wanted", file);
        }
      }
    }
  }

  private static ClipTextConfig config() throws WeightsException {
    return new DiffusersFolder(MODEL).config("text_encoder/config.json", ClipTextConfig::of);
  }

  @Test
  void refusesEmbeddingsThatDoNotFit(@TempDir Path folder) throws IOException {
    assertRefused("its vectors are 1024 wide, the model's 16", read("wide.safetensors"));
    assertRefused(
        "has a token <one> already",
        read("learned_embeds.safetensors"),
        read("learned_embeds.safetensors"));
    TextualInversion taken =
        TextualInversion.read(FOLDER.resolve("two.safetensors"), Optional.of("fo"));
    assertRefused("has a token fo already; give the embedding another name: FILE=NAME", taken);
    assertUnreadable("of Stable Diffusion XL", FOLDER.resolve("xl.safetensors"));
    assertUnreadable("holds 47 tensors", FOLDER.resolve("encodings.safetensors"));
    assertUnreadable("no such file", folder.resolve("none.safetensors"));
    Path pickle = Files.write(folder.resolve("old.pt"), new byte[] {'P', 'K', 3, 4, 0, 0, 0, 0, 0});
    assertUnreadable("as a zip archive has no directory at its end", pickle);
  }

  private static void assertRefused(String reason, TextualInversion... embeddings) {
    String message =
        assertThrows(WeightsException.class, () -> encoder(config(), embeddings)).getMessage();
    assertTrue(message.contains(reason), message);
  }

  private static void assertUnreadable(String reason, Path file) {
    String message =
        assertThrows(WeightsException.class, () -> TextualInversion.read(file, Optional.empty()))
            .getMessage();
    assertTrue(message.contains(reason), message);
  }

  @Test
  void theNameIsTheFilesUnlessItIsGiven() throws IOException {
    assertEquals("<one>", read("learned_embeds.safetensors").name());
    assertEquals("style", read("style.safetensors").name());
    Path file = FOLDER.resolve("style.safetensors");
    TextualInversion named = TextualInversion.read(file, Optional.of("mine"));
    assertEquals(List.of("mine", "mine_1"), named.names());
    assertEquals(16, named.width());
  }
}
