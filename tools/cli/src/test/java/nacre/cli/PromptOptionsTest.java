package nacre.cli;

import static nacre.cli.TinySample.TINY;
import static nacre.cli.TinySample.difference;
import static nacre.cli.TinySample.files;
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
import java.util.List;
import nacre.cli.output.PngMetadata;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code sample} makes of prompts: embeddings, weights, chunks and layers left out. */
class PromptOptionsTest {
  private static final Path PROMPTS = Path.of("../../diffusion/src/test/resources/prompts");

  private static final Object[] EMBEDDINGS = {
    "--embedding", PROMPTS.resolve("learned_embeds.safetensors"),
    "--embedding", PROMPTS.resolve("two.safetensors"),
    "--embedding", PROMPTS.resolve("style.safetensors") + "=style",
  };

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  private Path drawn(Object... more) throws IOException {
    List<Object> words =
        new ArrayList<>(List.of("--steps", 4, "--guidance", 5, "--size", "48x32", "--seed", 8));
    words.addAll(Arrays.asList(EMBEDDINGS));
    words.addAll(Arrays.asList(more));
    CommandLineRun run = sample(words.toArray());
    assertEquals(0, run.status(), run::err);
    return files(folder.resolve("out")).getFirst();
  }

  /** export_prompt_encodings.py had diffusers draw it. */
  @ParameterizedTest
  @CsvSource({"embedding, 0", "embedding-skip, 1"})
  void embeddingsAndClipSkipDrawWhatDiffusersDraws(String name, int skip) throws IOException {
    Path picture =
        drawn(
            "--prompt",
            "a painting of <two> and <one>, style",
            "--negative",
            "blurry <one>",
            "--clip-skip",
            skip);
    Path wanted = TINY.resolve("epsilon/" + name + ".png");
    assertTrue(difference(wanted.toFile(), picture.toFile()) <= 2, name);
    assertEquals(skip == 0 ? null : "1", PngMetadata.read(picture).get("clip skip"));
    assertTrue(PngMetadata.read(picture).get("embeddings").contains("two.safetensors, "));
  }

  /** export_clip_skip.py had diffusers draw three prompts at a time. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void stableDiffusion2DrawsWhatDiffusersDraws(int skip) throws IOException {
    Path sd2 = TINY.resolve("sd2");
    TinyModel model = TinyModel.copyTo(folder.resolve("sd2"));
    TinyModel.copy(sd2.resolve("text_encoder"), model.root().resolve("text_encoder"));
    TinyModel.copy(sd2.resolve("tokenizer"), model.root().resolve("tokenizer"));
    model.patch("scheduler/scheduler_config.json", "{'prediction_type': 'v_prediction'}");
    JsonNode texts = new JsonMapper().readTree(sd2.resolve("prompts.json").toFile());
    for (int i = 0; i < 3; i++) {
      Path out = folder.resolve("out-" + i);
      CommandLineRun run =
          CommandLineRun.of(
              "sample",
              "--model",
              model.root(),
              "--prompt",
              texts.path("prompts").get(i).textValue(),
              "--negative",
              texts.path("negatives").get(i).textValue(),
              "--clip-skip",
              skip,
              "--scheduler",
              "ddim",
              "--steps",
              4,
              "--guidance",
              5,
              "--size",
              32,
              "--seed",
              8,
              "--out",
              out);
      assertEquals(0, run.status(), run::err);
      Path wanted = sd2.resolve("clip-skip-%d-%d.png".formatted(skip, i));
      int difference = difference(wanted.toFile(), files(out).getFirst().toFile());
      assertTrue(difference <= 2, wanted + " differs by " + difference);
    }
  }

  /** Prompts of two chunks and of one. */
  @Test
  void weightsAndChunksDrawWhatTheReferenceDraws() throws IOException {
    Path picture =
        drawn(
            "--prompt",
            "(masterpiece:1.2), a fox BREAK [<two>] in the forest",
            "--negative",
            "(blurry), low quality",
            "--clip-skip",
            1,
            "--scheduler",
            "ddim",
            "--prompt-syntax",
            "a1111");
    int difference = difference(TINY.resolve("epsilon/webui.png").toFile(), picture.toFile());
    assertTrue(difference <= 2, "differs by " + difference);
    assertEquals("a1111", PngMetadata.read(picture).get("prompt syntax"));
  }

  /** huggingface/diffusers#3097: the brackets are part of the word. */
  @Test
  void embeddingsThatNoPromptNamesAreTold() {
    String unused = "note    the embedding <one> changes nothing: no prompt has that word";
    Object[] words = {
      "--steps",
      1,
      "--size",
      32,
      "--embedding",
      PROMPTS.resolve("learned_embeds.safetensors"),
      "--overwrite",
      "--prompt"
    };
    for (String syntax : List.of("plain", "a1111")) {
      assertTrue(unusedIn(words, "a one", "--prompt-syntax", syntax).contains(unused), syntax);
      assertFalse(
          unusedIn(words, "a <one>", "--prompt-syntax", syntax).contains("changes"), syntax);
    }
    assertFalse(unusedIn(words, "a", "--negative", "<one>").contains("changes"));
    assertTrue(unusedIn(words, "a", "--negative", "<one>", "--guidance", 1).contains(unused));
  }

  private String unusedIn(Object[] words, Object... more) {
    List<Object> all = new ArrayList<>(Arrays.asList(words));
    all.addAll(Arrays.asList(more));
    CommandLineRun run = sample(all.toArray());
    assertEquals(0, run.status(), run::err);
    return run.out();
  }

  @Test
  void refusesPromptsAndEmbeddingsBeforeItDraws() throws IOException {
    String[] webui = {"--prompt-syntax", "a1111", "--prompt"};
    assertRefused("prompt: 'AND' is a prompt of several", webui[0], webui[1], webui[2], "a AND b");
    assertRefused(
        "negative prompt: '[a|b]' is a prompt that changes from step to step",
        webui[0],
        webui[1],
        webui[2],
        "a",
        "--negative",
        "[a|b]");
    assertRefused("one of: plain, a1111", "--prompt-syntax", "comfy", "--prompt", "a");
    assertRefused("--clip-skip is 3, must be from 0 to 2", "--prompt", "a", "--clip-skip", 3);
    Path wide = PROMPTS.resolve("wide.safetensors");
    assertRefused("1024 wide, the model's 16", "--prompt", "a", "--embedding", wide);
    Path pickle = Files.write(folder.resolve("old.pt"), new byte[] {'P', 'K', 3, 4, 0, 0, 0, 0, 0});
    assertRefused(
        "as a zip archive has no directory", "--prompt", "a", "--embedding", pickle + "=old");
    assertRefused("none: no such file", "--prompt", "a", "--embedding", "none");
  }

  private CommandLineRun sample(Object... words) {
    return TinySample.run(folder, words);
  }

  private void assertRefused(String reason, Object... words) {
    TinySample.assertRefused(folder, reason, words);
  }
}
