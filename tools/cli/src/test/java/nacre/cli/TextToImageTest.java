package nacre.cli;

import static nacre.cli.TinySample.MODEL;
import static nacre.cli.TinySample.TINY;
import static nacre.cli.TinySample.difference;
import static nacre.cli.TinySample.files;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import nacre.cli.output.PngMetadata;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code sample} with a tiny Stable Diffusion folder, compared with diffusers. */
class TextToImageTest {
  private static final String PROMPT = "A painting of a fox, it's highly detailed: 8k!";

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  /** What export_tiny_sd.py had diffusers draw. */
  record Case(String prediction, JsonNode json) {
    String text(String key) {
      return json.path(key).asText();
    }

    @Override
    public String toString() {
      return prediction + " " + text("name");
    }
  }

  static List<Case> cases() throws IOException {
    List<Case> cases = new ArrayList<>();
    for (String prediction : List.of("epsilon", "v-prediction")) {
      Path file = TINY.resolve(prediction).resolve("cases.json");
      for (JsonNode json : new JsonMapper().readTree(file.toFile())) {
        cases.add(new Case(prediction, json));
      }
    }
    assertEquals(32, cases.size());
    return cases;
  }

  static List<Case> someCases() throws IOException {
    Set<String> names = Set.of("own", "dpm++", "init-euler");
    return cases().stream().filter(c -> names.contains(c.text("name"))).toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void picturesEqualThoseOfDiffusers(Case wanted) throws IOException {
    compare(wanted);
  }

  @Tag("cuda")
  @ParameterizedTest
  @MethodSource("someCases")
  void theyDoOnACard(Case wanted) throws IOException {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
    compare(wanted, "--device", "cuda");
  }

  /** Text encoder, UNet and autoencoder are in a GPU's memory one after the other. */
  @Tag("cuda")
  @ParameterizedTest
  @MethodSource("someCases")
  void theyDoWhereModelsMoveInAndOutOfACardsMemory(Case wanted) throws IOException {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
    CommandLineRun run = compare(wanted, "--device", "cuda", "--residency", "one");
    assertTrue(run.out().contains(" of one model at a time, and "), run::out);
  }

  /** In f16 a picture is closer to that of f32 than in bf16, whose fraction is shorter. */
  @Tag("cuda")
  @Test
  void sixteenBitsOnACard() throws IOException {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
    Case own = someCases().getFirst();
    int half = inType(own, "f16");
    int brain = inType(own, "bf16");
    assertTrue(half <= 4, "f16 differs by " + half);
    assertTrue(half < brain, "f16 differs by " + half + ", bf16 by " + brain);
  }

  private int inType(Case wanted, String type) throws IOException {
    Path out = folder.resolve(type);
    CommandLineRun run =
        CommandLineRun.of(
            "sample",
            "--model",
            MODEL,
            "--out",
            out,
            "--device",
            "cuda",
            "--dtype",
            type,
            "--prompt",
            wanted.text("prompt"),
            "--seed",
            wanted.text("seed"),
            "--guidance",
            wanted.text("guidance"),
            "--steps",
            wanted.text("steps"),
            "--size",
            wanted.json.get("size").get(0) + "x" + wanted.json.get("size").get(1));
    assertEquals(0, run.status(), run::err);
    Path reference = TINY.resolve(wanted.prediction).resolve(wanted.text("name") + "-0.png");
    return difference(reference.toFile(), files(out).getFirst().toFile());
  }

  @Test
  void whatItTakesIsSaidBefore() throws IOException {
    CommandLineRun run = compare(someCases().getFirst());
    List<String> memory = run.out().lines().filter(l -> l.startsWith("memory  ")).toList();
    assertEquals(2, memory.size(), run::out);
    assertTrue(memory.getFirst().matches("memory  about \\S+ [MG]B: weights .*"), run::out);
    assertFalse(run.out().contains("less is needed with"), run::out);
  }

  private CommandLineRun compare(Case wanted, String... more) throws IOException {
    Path expected = TINY.resolve(wanted.prediction);
    List<Object> words =
        new ArrayList<>(
            List.of(
                "sample",
                "--model",
                wanted.prediction.equals("epsilon") ? MODEL : velocityModel(),
                "--out",
                folder.resolve("out")));
    words.addAll(List.of(more));
    for (String key : List.of("prompt", "negative", "scheduler", "steps", "guidance", "seed")) {
      if (wanted.json.has(key)) {
        words.addAll(List.of("--" + key, wanted.text(key)));
      }
    }
    if (wanted.json.has("strength")) {
      words.addAll(
          List.of("--init", expected.resolve("init.png"), "--strength", wanted.text("strength")));
    } else {
      JsonNode size = wanted.json.get("size");
      words.addAll(List.of("--size", size.get(0) + "x" + size.get(1)));
    }
    int images = wanted.json.path("images").asInt(1);
    words.addAll(List.of("--images", images, "--batch", 2));
    CommandLineRun run = CommandLineRun.of(words.toArray());
    assertEquals(0, run.status(), run::err);
    List<Path> drawn = files(folder.resolve("out"));
    assertEquals(images, drawn.size());
    for (int i = 0; i < images; i++) {
      Path reference = expected.resolve(wanted.text("name") + "-" + i + ".png");
      int difference = difference(reference.toFile(), drawn.get(i).toFile());
      assertTrue(difference <= 2, drawn.get(i) + " differs by " + difference);
    }
    return run;
  }

  private Path velocityModel() throws IOException {
    Path model = folder.resolve("model");
    try (Stream<Path> all = Files.walk(MODEL)) {
      for (Path file : (Iterable<Path>) all::iterator) {
        Path copy = model.resolve(MODEL.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(copy);
        } else {
          Files.write(copy, Files.readAllBytes(file));
        }
      }
    }
    replace(model.resolve("scheduler/scheduler_config.json"), "\"epsilon\"", "\"v_prediction\"");
    return model;
  }

  private static void replace(Path file, String text, String by) throws IOException {
    String before = Files.readString(file);
    assertTrue(before.contains(text), before);
    Files.writeString(file, before.replace(text, by));
  }

  @Test
  void aPictureTellsHowItWasMade() throws IOException {
    CommandLineRun run =
        sample(
            "--prompt",
            "Ein Fuchs, 日本!",
            "--negative",
            "rain",
            "--steps",
            2,
            "--dtype",
            "bf16",
            "--seed",
            5,
            "--size",
            32);
    assertEquals(0, run.status(), run::err);
    Path file = folder.resolve("out/Ein-Fuchs-日本-5.png");
    assertTrue(run.out().contains("image   " + file), run::out);
    assertTrue(run.out().contains(" at most"), run::out);
    List<String> read = run.out().lines().filter(line -> line.startsWith("reads")).toList();
    assertEquals(
        List.of("reads   text_encoder, 0 MB", "reads   unet, 0 MB", "reads   vae, 0 MB"), read);
    String first = run.out().lines().findFirst().orElseThrow();
    assertEquals(
        "model   %s, Stable Diffusion of another size, predicts noise, PNDMScheduler, 3 steps, 32x32, seed 5, on cpu"
            .formatted(MODEL),
        first);
    Map<String, String> texts = PngMetadata.read(file);
    assertEquals("Ein Fuchs, 日本!", texts.get("prompt"));
    assertEquals("rain", texts.get("negative prompt"));
    assertEquals("5", texts.get("seed"));
    assertEquals("2", texts.get("steps"));
    assertEquals("7.5", texts.get("guidance"));
    assertEquals("32x32", texts.get("size"));
    assertEquals("PNDMScheduler", texts.get("scheduler"));
    assertEquals("bf16", texts.get("dtype"));
  }

  @Test
  void picturesInHalfPrecisionAreNearlyTheSame() throws IOException {
    Object[] words = {"--prompt", "a fox", "--size", 32, "--steps", 4, "--guidance", 3};
    assertEquals(0, sample(words).status());
    Path whole = Files.move(folder.resolve("out/a-fox-0.png"), folder.resolve("whole.png"));
    List<Object> half = new ArrayList<>(Arrays.asList(words));
    half.addAll(List.of("--dtype", "bf16"));
    assertEquals(0, sample(half.toArray()).status());
    int difference = difference(whole.toFile(), folder.resolve("out/a-fox-0.png").toFile());
    assertTrue(difference > 0 && difference < 40, "differs by " + difference);
  }

  /** Its padding token is the model's own, not that of the tokenizer that is lent to it. */
  @Test
  void aSingleFileDrawsWhatItsFolderDraws() throws IOException {
    Object[] words = {"--prompt", "a fox", "--size", 32, "--steps", 2};
    assertEquals(0, sample(words).status());
    Path whole = Files.move(folder.resolve("out/a-fox-0.png"), folder.resolve("whole.png"));
    Path single = folder.resolve("single.safetensors");
    CommandLineRun convert = CommandLineRun.of("weights", "convert", MODEL, single);
    assertEquals(0, convert.status(), convert::err);
    Path lent = velocityModel().resolve("tokenizer");
    replace(lent.resolve("special_tokens_map.json"), "\"!\"", "\"<|endoftext|>\"");
    List<Object> again = new ArrayList<>(Arrays.asList(words));
    again.addAll(List.of("--model", single, "--tokenizer", lent));
    again.addAll(0, List.of("sample", "--out", folder.resolve("out")));
    CommandLineRun run = CommandLineRun.of(again.toArray());
    assertEquals(0, run.status(), run::err);
    assertEquals(0, difference(whole.toFile(), folder.resolve("out/a-fox-0.png").toFile()));
  }

  /** CLIP's vocabulary is no help to a model of another. */
  @Test
  void aSingleFileOfAnotherVocabularySaysWhichOptionItNeeds() {
    Path single = folder.resolve("single.safetensors");
    assertEquals(0, CommandLineRun.of("weights", "convert", MODEL, single).status());
    assertRefused("734 tokens, not 49408; name the folder", "--prompt", "a", "--model", single);
    assertRefused("(--tokenizer)", "--prompt", "a", "--model", single);
  }

  @Test
  void aMaskedPictureTellsHowItWasMade() throws IOException {
    Path mask = TINY.resolve("inpainting/mask.png");
    Object[] words = {"--prompt", PROMPT, "--init", init(), "--mask", mask, "--scheduler", "ddim"};
    List<Object> all = new ArrayList<>(Arrays.asList(words));
    all.addAll(List.of("--steps", 6, "--guidance", 5, "--seed", 1));
    CommandLineRun run = sample(all.toArray());
    assertEquals(0, run.status(), run::err);
    Path drawn = files(folder.resolve("out")).getFirst();
    File expected = TINY.resolve("inpainting/4-ddim-0.png").toFile();
    assertTrue(difference(expected, drawn.toFile()) <= 2);
    Map<String, String> texts = PngMetadata.read(drawn);
    assertEquals(mask.toString(), texts.get("mask"));
    assertEquals("1.0", texts.get("strength"));
  }

  @Test
  void aPictureIsNotOverwrittenByAnother() throws IOException {
    Object[] words = {"--prompt", "a fox", "--size", 32};
    Path first = folder.resolve("out/a-fox-0.png");
    for (String steps : List.of("1", "2", "1")) {
      List<Object> all = new ArrayList<>(Arrays.asList(words));
      all.addAll(List.of("--steps", steps));
      CommandLineRun run = sample(all.toArray());
      assertEquals(0, run.status(), run::err);
      String file = steps.equals("1") ? "a-fox-0.png" : "a-fox-0-2.png";
      assertTrue(run.out().contains("image   " + folder.resolve("out").resolve(file)), run::out);
    }
    assertEquals("1", PngMetadata.read(first).get("steps"));
    List<Object> all = new ArrayList<>(Arrays.asList(words));
    all.addAll(List.of("--steps", 2, "--overwrite"));
    assertEquals(0, sample(all.toArray()).status());
    assertEquals("2", PngMetadata.read(first).get("steps"));
    assertEquals(2, files(folder.resolve("out")).size());
  }

  @Test
  void drawsWithAnotherVae() throws IOException {
    Object[] words = {"--prompt", "a fox", "--size", 32, "--steps", 2};
    assertEquals(0, sample(words).status());
    Path own = Files.move(folder.resolve("out/a-fox-0.png"), folder.resolve("own.png"));
    Path vae = velocityModel().resolve("vae");
    List<Object> again = new ArrayList<>(Arrays.asList(words));
    again.addAll(List.of("--vae", vae));
    assertEquals(0, sample(again.toArray()).status());
    Path same = Files.move(folder.resolve("out/a-fox-0.png"), folder.resolve("same.png"));
    assertEquals(0, difference(own.toFile(), same.toFile()));
    assertEquals(vae.toString(), PngMetadata.read(same).get("vae"));
    replace(vae.resolve("config.json"), "\"scaling_factor\": 0.18215", "\"scaling_factor\": 0.5");
    assertEquals(0, sample(again.toArray()).status());
    assertTrue(difference(own.toFile(), folder.resolve("out/a-fox-0.png").toFile()) > 2);
    assertRefused("no such file", "--prompt", "a", "--vae", folder.resolve("none"));
  }

  /** A letter of two chars at the place where the name is cut. */
  @Test
  void fileNamesAreCutBetweenLetters() throws IOException {
    String name = "x".repeat(38) + "𝕳𝕳𝕳";
    assertEquals(0, sample("--prompt", name, "--steps", 1, "--size", 32).status());
    assertEquals(
        "x".repeat(38) + "𝕳𝕳-0.png",
        files(folder.resolve("out")).getFirst().getFileName().toString());
  }

  @Test
  void whereNoPictureCanGoNoneIsDrawn() throws IOException {
    Files.createDirectories(folder.resolve("out/a-fox-1.png"));
    CommandLineRun run = sample("--prompt", "a fox", "--steps", 2, "--size", 32, "--images", 2);
    assertEquals(1, run.status());
    assertTrue(run.err().contains("a-fox-1.png: is where the picture goes"), run::err);
    assertEquals(1, files(folder.resolve("out")).size(), run::out);
    Path taken = Files.writeString(folder.resolve("taken"), "");
    CommandLineRun file =
        CommandLineRun.of("sample", "--model", MODEL, "--prompt", "a", "--out", taken);
    assertEquals(1, file.status(), file::out);
    assertTrue(file.err().contains(taken.toString()), file::err);
    assertEquals("", Files.readString(taken));
  }

  @Test
  void textThatIsNotUtf8IsRefused() {
    CommandLineRun run = sample("--prompt", "caf\uFFFD");
    assertEquals(2, run.status());
    assertEquals(1, run.complaints().size());
    assertTrue(run.err().contains("is no text in UTF-8"), run::err);
    assertTrue(Files.notExists(folder.resolve("out")));
  }

  @Test
  void saysWhatThePromptHasNoRoomFor() {
    CommandLineRun run = sample("--prompt", "fox ".repeat(75) + "Bear Cub", "--steps", 1);
    assertEquals(0, run.status(), run::err);
    assertTrue(run.out().contains("no room for the end of the prompt: bear cub"), run::out);
  }

  @Test
  void refusesWhatMakesNoSense() throws IOException {
    assertRefused("--prompt is missing");
    assertRefused("knows no scenes", "--prompt", "a", "--rows", 2);
    assertRefused("--images", "--prompt", "a", "--images", 0);
    assertRefused("--prompt is given twice", "--prompt", "a", "--prompt", "b");
    assertRefused("--size is given twice", "--prompt", "a", "--size", 32, "--size", 64);
    assertRefused("--size is given twice", "--size", 32, "--size", 64, "--prompt", "a");
    assertRefused("--dtype is given twice", "--prompt", "a", "--dtype", "f32", "--dtype", "bf16");
    assertRefused("--vae is given twice", "--vae", "x", "--prompt", "a", "--vae", "y");
    assertRefused("--seed is given twice", "--prompt", "a", "--seed", 1, "--seed", 2);
    assertRefused("known are float32", "--prompt", "a", "--dtype", "f8");
    assertRefused("multiples of 8", "--prompt", "a", "--size", "60x64");
    assertRefused("such as 512", "--prompt", "a", "--size", "big");
    assertRefused("ddim, ddpm, pndm", "--prompt", "a", "--scheduler", "magic");
    assertRefused("of memory", "--prompt", "a", "--size", "32768x32768");
    assertRefused("--steps is 0", "--prompt", "a", "--steps", 0);
    assertRefused("--guidance is -1.0", "--prompt", "a", "--guidance", -1);
    assertRefused("give one with --init", "--prompt", "a", "--strength", 0.5);
    assertRefused("give one with --init", "--prompt", "a", "--mask", init());
    assertRefused("no such file", "--prompt", "a", "--init", folder.resolve("none.png"));
    assertRefused("is a folder, a picture is wanted", "--prompt", "a", "--init", folder);
    assertRefused(
        "is no LoRA: it holds 180 tensors (decoder.conv_in.bias, decoder.conv_in.weight,",
        "--prompt",
        "a",
        "--lora",
        MODEL.resolve("vae/diffusion_pytorch_model.safetensors"));
    Path file = Files.createFile(folder.resolve("file"));
    CommandLineRun intoAFile =
        CommandLineRun.of("sample", "--model", MODEL, "--prompt", "a", "--out", file);
    assertEquals(1, intoAFile.status(), intoAFile::out);
    assertTrue(intoAFile.err().contains("file: exists already, and is no folder"), intoAFile::err);
    BufferedImage clear = new BufferedImage(8, 8, BufferedImage.TYPE_INT_ARGB);
    Path mask = folder.resolve("mask.png");
    PngFile.write(mask, clear);
    assertRefused("transparent pixels", "--prompt", "a", "--init", init(), "--mask", mask);
    assertRefused("strength", "--prompt", "a", "--init", init(), "--strength", 1.5);
    Path text = Files.writeString(folder.resolve("text.png"), "no picture");
    assertRefused("no picture that can be read", "--prompt", "a", "--init", text);
    assertUnread("WebP", "RIFF\1\1\0\0WEBPVP8 ");
    assertUnread("AVIF", "\0\0\0\40ftypavif\0\0\0\0");
    assertUnread("HEIC", "\0\0\0\30ftypheic\0\0\0\0");
    assertUnread("Photoshop", "8BPS\0\1");
  }

  private void assertUnread(String format, String bytes) throws IOException {
    Path file = Files.writeString(folder.resolve("picture"), bytes);
    String reason = "is a " + format + " picture, which is not read: convert it to PNG or JPEG";
    assertRefused(reason, "--prompt", "a", "--init", file);
  }

  private static Path init() {
    return TINY.resolve("epsilon/init.png");
  }

  @Test
  void refusesModelsThatAreNotWhatTheySay() throws IOException {
    Path model = velocityModel();
    replace(model.resolve("model_index.json"), "StableDiffusionPipeline", "StableAudioPipeline");
    assertRefused("is a StableAudioPipeline", "--prompt", "a", "--model", model);
    replace(model.resolve("model_index.json"), "StableAudioPipeline", "StableDiffusionPipeline");
    Files.delete(model.resolve("tokenizer/vocab.json"));
    assertRefused("vocab.json: no such file", "--prompt", "a", "--model", model);
    Path assets = Path.of("../../models/demo");
    assertRefused("takes no prompts", "--prompt", "a", "--model", assets);
  }

  private CommandLineRun sample(Object... words) {
    return TinySample.run(folder, words);
  }

  private void assertRefused(String reason, Object... words) {
    TinySample.assertRefused(folder, reason, words);
  }
}
