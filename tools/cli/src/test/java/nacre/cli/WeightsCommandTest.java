package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code nacre weights} as it is typed, on the tiny model that diffusers saved. */
class WeightsCommandTest {
  private static final Path TINY = Path.of("src/test/resources/tiny-sd/model");

  @TempDir Path folder;
  private Path model;

  @BeforeEach
  void copy() throws IOException {
    model = folder.resolve("model");
    try (Stream<Path> files = Files.walk(TINY)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        Path target = model.resolve(TINY.relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.copy(file, target);
      }
    }
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

    assertDraws(single, "--tokenizer", model.resolve("tokenizer"));

    Path bare = folder.resolve("bare");
    String out = ran("weights", "convert", single, bare);
    assertTrue(out.contains("--tokenizer FOLDER"), out);
    String weights = "unet/diffusion_pytorch_model.safetensors";
    assertEquals(-1, Files.mismatch(model.resolve(weights), bare.resolve(weights)));

    Path again = folder.resolve("again");
    ran("weights", "convert", "--tokenizer", model.resolve("tokenizer"), single, again);
    assertDraws(again);
    Path wide = folder.resolve("wide");
    ran("weights", "convert", "--dtype", "f32", again, wide);
    assertDraws(wide);
  }

  /** A single file needs no tokenizer where its text encoder has the vocabulary of CLIP. */
  @Test
  void theVocabularyOfClipComesWithNacre() throws IOException {
    giveVocabularyOfClip();
    Path single = folder.resolve("single.safetensors");
    ran("weights", "convert", model, single);
    Path again = folder.resolve("again");
    assertEquals("wrote  " + again, ran("weights", "convert", single, again).strip());
    assertTrue(Files.size(again.resolve("tokenizer/merges.txt")) > 500_000);
    Path bySingle = folder.resolve("by-single");
    draw(single, bySingle);
    Path byFolder = folder.resolve("by-folder");
    draw(again, byFolder);
    assertArrayEquals(pixels(byFolder), pixels(bySingle));
  }

  private void giveVocabularyOfClip() throws IOException {
    Path config = model.resolve("text_encoder/config.json");
    String text = Files.readString(config);
    assertTrue(text.contains("\"vocab_size\": 734"), text);
    Files.writeString(config, text.replace("\"vocab_size\": 734", "\"vocab_size\": 49408"));
    Path weights = model.resolve("text_encoder/model.safetensors");
    SafeTensorsWriter writer = new SafeTensorsWriter();
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(weights)) {
      for (var entry : dict.entries().values()) {
        Tensor tensor = entry.toTensor(Device.cpu(), DType.F32, Layout.SAME);
        if (entry.name().endsWith("token_embedding.weight")) {
          Shape grown = Shape.of(49408, tensor.dim(1));
          tensor = RandomNormal.normal(Device.cpu(), grown, 3, 0);
        }
        writer.add(entry.name(), tensor, Layout.SAME);
      }
      writer.write(folder.resolve("grown.safetensors"));
    }
    Files.move(folder.resolve("grown.safetensors"), weights, StandardCopyOption.REPLACE_EXISTING);
  }

  /** The picture that the model draws is the one that the tiny model draws. */
  private void assertDraws(Path copy, Object... more) throws IOException {
    Path wanted = folder.resolve("wanted");
    if (!Files.exists(wanted)) {
      draw(model, wanted);
    }
    Path out = folder.resolve("drawn-by-" + copy.getFileName());
    draw(copy, out, more);
    assertArrayEquals(pixels(wanted), pixels(out), copy.toString());
  }

  private static void draw(Path model, Path out, Object... more) {
    List<Object> words = new ArrayList<>(List.of("sample", "--model", model, "--out", out));
    words.addAll(List.of("--prompt", "a red cat", "--size", "32", "--steps", 2, "--seed", 4));
    words.addAll(List.of(more));
    ran(words.toArray());
  }

  private static int[] pixels(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      Path only = files.filter(file -> file.toString().endsWith(".png")).findFirst().orElseThrow();
      BufferedImage image = ImageIO.read(only.toFile());
      return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
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
          "holds     CLIP text encoder, names of transformers from 5.6",
          "metadata  format = pt",
        }) {
      assertTrue(brief.contains(holds), brief);
    }
    assertFalse(brief.contains("conv_in"), brief);
    String some = ran("weights", "inspect", "--only", "^conv_in", model.resolve("unet"));
    assertEquals(2, some.lines().filter(line -> line.startsWith("conv_in.")).count());
    assertTrue(some.contains("conv_in.weight  F16   [8, 4, 3, 3]              576"), some);
  }

  @Test
  void numbersAreConverted() {
    Path half = folder.resolve("half");
    ran("weights", "convert", "--dtype", "bf16", model, half);
    String listed = ran("weights", "inspect", "--brief", half);
    assertEquals(3, listed.lines().filter(line -> line.contains(" of BF16")).count(), listed);
    assertFalse(listed.contains("of F16"), listed);
    assertTrue(Files.exists(half.resolve("unet/config.json")));
    Path file = folder.resolve("unet.safetensors");
    Path unet = half.resolve("unet/diffusion_pytorch_model.safetensors");
    ran("weights", "convert", "--dtype", "f32", unet, file);
    assertTrue(ran("weights", "inspect", "--brief", file).contains(" of F32"));
  }

  /** A terminal would obey them. */
  @Test
  void controlCharactersOfAFileDoNotReachTheTerminal() throws IOException {
    Path file = folder.resolve("hostile.safetensors");
    try (Scope _ = Scope.open()) {
      new SafeTensorsWriter()
          .metadata("note\u001b]0;x\u0007", "\u001b[31mred")
          .add("w\u001b[2J", Tensor.zeros(Device.cpu(), DType.F32, Shape.of(1)), Layout.SAME)
          .write(file);
    }
    CommandLineRun run = CommandLineRun.of("weights", "inspect", file);
    assertEquals(0, run.status(), run::err);
    assertTrue(run.out().contains("w?[2J"), run::out);
    assertFalse(run.out().matches("(?s).*[\u001b\u0007].*"), run::out);
    CommandLineRun failed = CommandLineRun.of("weights", "inspect", folder.resolve("no\u001b[31m"));
    assertFalse(failed.err().contains("\u001b"), failed::err);
  }

  @Test
  void mistakesAreToldInOneLine() throws IOException {
    assertRefused("no such file", "weights", "inspect", folder.resolve("none"));
    Path empty = Files.createDirectories(folder.resolve("empty"));
    assertRefused("holds no file of weights", "weights", "inspect", empty);
    assertRefused("exists already", "weights", "convert", model, empty);
    Path out = folder.resolve("out.safetensors");
    assertRefused("has no unet/", "weights", "convert", model.resolve("vae"), out);
    Path unet = model.resolve("unet/diffusion_pytorch_model.safetensors");
    assertRefused("is the UNet of a folder", "weights", "convert", unet, folder.resolve("out"));
    CommandLineRun unknown =
        CommandLineRun.of("weights", "convert", "--family", "sd-9", unet, folder.resolve("out"));
    assertEquals(2, unknown.status());
    assertTrue(unknown.err().contains("known are sd-1.5, sd-2.1-base, sd-2.1"), unknown::err);
    assertEquals(2, CommandLineRun.of("weights", "convert", "--dtype", "f8", model, out).status());
    byte[] whole = Files.readAllBytes(unet);
    Files.write(unet, Arrays.copyOf(whole, whole.length / 2));
    assertRefused("truncated", "weights", "convert", model, out);
    assertRefused("truncated", "weights", "convert", model, folder.resolve("out"));
    assertFalse(Files.exists(out));
    assertFalse(Files.exists(folder.resolve("out")));
  }

  /** All codes of both types, as PyTorch wrote them, beside wider tensors. */
  @Test
  void eightBitNumbersAreListedAndConverted() {
    Path file = Path.of("../../weights/src/test/resources/float8.safetensors");
    String listed = ran("weights", "inspect", file);
    for (String row :
        new String[] {
          "e4m3       F8_E4M3  [256]              256",
          "e5m2       F8_E5M2  [256]              256",
          "e5m2.bf16  BF16     [256]              512",
          ", 1 of F8_E5M2, 1 of F8_E4M3, 2 of F16",
        }) {
      assertTrue(listed.contains(row), listed);
    }
    Path half = folder.resolve("half.safetensors");
    ran("weights", "convert", "--dtype", "f16", file, half);
    String brief = ran("weights", "inspect", "--brief", half);
    assertTrue(brief.contains("8 tensors, 2,048 numbers, 4,096 bytes, 8 of F16"), brief);
  }

  @Test
  void whatIsNoSafetensorsFileIsNamed() throws IOException {
    Path file = folder.resolve("model.safetensors");
    Path out = folder.resolve("out.safetensors");
    Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    assertRefused("a Git LFS pointer: run `git lfs pull`", "weights", "inspect", file);
    assertRefused("a Git LFS pointer: run `git lfs pull`", "weights", "convert", file, out);
    Files.write(file, Arrays.copyOf(new byte[] {'P', 'K', 3, 4}, 4000));
    assertRefused("as a zip archive has no directory at its end", "weights", "inspect", file);
    assertFalse(Files.exists(out));
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
