package examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.diffusion.LoadOptions;
import nacre.diffusion.StableDiffusion;
import nacre.diffusion.lora.Lora;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.weights.SafeTensors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each example does what it says, and leaves nothing in memory. */
class ExamplesTest {
  private static final String TINY_SD = "../tools/cli/src/test/resources/tiny-sd/model";

  @TempDir private Path folder;

  private interface Main {
    void run(String... args) throws IOException;
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static List<String> run(Main main, Object... args) throws IOException {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      main.run(Stream.of(args).map(Object::toString).toArray(String[]::new));
    } finally {
      System.setOut(before);
    }
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private static double loss(String line) {
    return Double.parseDouble(line.replaceAll(".*loss ([0-9.]+).*", "$1"));
  }

  @Test
  void textToImage() throws IOException {
    Path picture = folder.resolve("fox.png");
    run(TextToImage::main, TINY_SD, picture);
    assertTrue(ImageIO.read(picture.toFile()).getWidth() > 8);
  }

  @Test
  void newScheduler() throws IOException {
    Path picture = folder.resolve("fox.png");
    run(NewScheduler::main, TINY_SD, picture);
    assertTrue(ImageIO.read(picture.toFile()).getWidth() > 8);
  }

  @Test
  void newDataSource() throws IOException {
    assertEquals(4, run(NewDataSource::main).size());
    assertTrue(
        ServiceLoader.load(ClipSourceProvider.class).stream()
            .anyMatch(provider -> provider.type() == NewDataSource.Provider.class));
  }

  @Test
  void trainingLoop() throws IOException {
    List<String> lines = run(TrainingLoop::main);
    assertTrue(loss(lines.getLast()) < loss(lines.getFirst()) / 3, lines.toString());
  }

  @Test
  void classifyWithVit() throws IOException {
    List<String> lines = run(ClassifyWithVit::main, 150);
    assertTrue(loss(lines.getLast()) < 0.5, lines.toString());
  }

  @Test
  void fineTuneLayer() throws IOException {
    Path saved = folder.resolve("layer.safetensors");
    List<String> lines = run(FineTuneLayer::main, "../models/demo/image_encoder", saved);
    assertTrue(loss(lines.getLast()) < loss(lines.getFirst()), lines.toString());
    try (SafeTensors file = SafeTensors.open(saved)) {
      assertTrue(file.entries().keySet().stream().allMatch(n -> n.startsWith("encoder.layer.")));
    }
  }

  /** The picture is the tiny model's own, with another prompt; what is saved changes others. */
  @Test
  void trainLora() throws IOException {
    Path picture = folder.resolve("fox.png");
    run(TextToImage::main, TINY_SD, picture);
    Path saved = folder.resolve("lora.safetensors");
    List<String> lines = run(TrainLora::main, TINY_SD, picture, "a cat", 48, saved);
    double before = lines.subList(0, 8).stream().mapToDouble(ExamplesTest::loss).sum();
    double after = lines.subList(40, 48).stream().mapToDouble(ExamplesTest::loss).sum();
    assertTrue(after < 0.9 * before, lines.toString());
    LoadOptions adapted = LoadOptions.DEFAULT.withLoras(List.of(new Lora(saved)));
    try (var plain = StableDiffusion.load(Path.of(TINY_SD), Device.cpu());
        var changed = StableDiffusion.load(Path.of(TINY_SD), Device.cpu(), adapted)) {
      assertFalse(Arrays.equals(pixels(plain), pixels(changed)));
    }
  }

  private static int[] pixels(StableDiffusion model) throws IOException {
    BufferedImage image = model.prompt("a cat").seed(1).steps(3).draw();
    int width = image.getWidth();
    return image.getRGB(0, 0, width, image.getHeight(), null, 0, width);
  }

  @Test
  void newOperation() throws IOException {
    assertTrue(run(NewOperation::main).getFirst().endsWith("[3, 12, 27]"));
  }

  @Test
  void printSafetensors() throws IOException {
    List<String> lines =
        run(PrintSafetensors::main, "../models/demo/image_encoder/model.safetensors");
    assertTrue(lines.stream().anyMatch(l -> l.startsWith("embeddings.cls_token F32 f32[1, 1, ")));
  }

  /** The README shows two of them, from the first import on. */
  @Test
  void theReadmeShowsWhatRuns() throws IOException {
    String readme = Files.readString(Path.of("../README.md"));
    for (String name : List.of("TextToImage", "TrainingLoop")) {
      String source = Files.readString(Path.of("src/main/java/examples/" + name + ".java"));
      assertTrue(readme.contains(source.substring(source.indexOf("import "))), name);
    }
    assertTrue(readme.split("\\s+").length < 1000, "the README is to have less than 1,000 words");
  }

  @Test
  void eachIsShort() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("src/main/java/examples"))) {
      for (Path file : files.toList()) {
        assertTrue(Files.readAllLines(file).size() < 80, file.toString());
      }
    }
  }
}
