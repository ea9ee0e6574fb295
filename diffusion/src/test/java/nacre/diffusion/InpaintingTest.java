package nacre.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.diffusion.image.RgbImage;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Masks, compared with what export_inpainting.py had diffusers draw. */
class InpaintingTest {
  private static final Path TINY = Path.of("../tools/cli/src/test/resources/tiny-sd");
  private static final Path EXPECTED = TINY.resolve("inpainting");

  @TempDir static Path folder;

  private static Path wide;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  /** One of the script's cases. */
  record Case(JsonNode json) {
    String text(String key) {
      return json.path(key).asText();
    }

    @Override
    public String toString() {
      return text("name");
    }
  }

  static Stream<Case> cases() throws IOException {
    List<Case> cases = new ArrayList<>();
    JsonNode all = new JsonMapper().readTree(EXPECTED.resolve("cases.json").toFile());
    all.forEach(json -> cases.add(new Case(json)));
    assertEquals(22, cases.size());
    return cases.stream();
  }

  /** The tiny model with 9 channels. */
  private static synchronized Path wide() throws IOException {
    if (wide == null) {
      wide = WideModel.write(TINY.resolve("model"), folder.resolve("wide"));
    }
    return wide;
  }

  private static BufferedImage init() throws IOException {
    return ImageIO.read(TINY.resolve("epsilon/init.png").toFile());
  }

  private static BufferedImage mask() throws IOException {
    return ImageIO.read(EXPECTED.resolve("mask.png").toFile());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void picturesEqualThoseOfDiffusers(Case wanted) throws IOException {
    Path model = wanted.text("channels").equals("9") ? wide() : TINY.resolve("model");
    try (var sd = StableDiffusion.load(model, Device.cpu())) {
      assertEquals(wanted.text("channels").equals("9"), sd.isInpainting());
      JsonNode size = wanted.json.get("size");
      Prompt prompt =
          sd.prompt(wanted.text("prompt"))
              .init(init())
              .mask(mask())
              .size(size.get(0).asInt(), size.get(1).asInt())
              .scheduler(wanted.text("scheduler"))
              .steps(wanted.json.get("steps").asInt())
              .guidance(wanted.json.get("guidance").asDouble())
              .seed(wanted.json.get("seed").asLong())
              .count(wanted.json.path("images").asInt(1))
              .batch(2);
      if (wanted.json.has("strength")) {
        prompt.strength(wanted.json.get("strength").asDouble());
      }
      List<BufferedImage> drawn = prompt.drawAll();
      for (int i = 0; i < drawn.size(); i++) {
        File reference = EXPECTED.resolve(wanted + "-" + i + ".png").toFile();
        int difference = difference(ImageIO.read(reference), drawn.get(i));
        assertTrue(difference <= 2, "differs by " + difference);
      }
    }
  }

  private static int difference(BufferedImage a, BufferedImage b) {
    byte[] left = RgbImage.of(a).rgb();
    byte[] right = RgbImage.of(b).rgb();
    assertEquals(left.length, right.length);
    int largest = 0;
    for (int i = 0; i < left.length; i++) {
      largest = Math.max(largest, Math.abs((left[i] & 0xFF) - (right[i] & 0xFF)));
    }
    return largest;
  }

  /** Of the tiny autoencoder's latents, which the pictures show rather than the original. */
  @Test
  void whatIsBlackInTheMaskDoesNotDependOnThePrompt() throws IOException {
    try (var sd = StableDiffusion.load(TINY.resolve("model"), Device.cpu())) {
      BufferedImage black = new BufferedImage(32, 32, BufferedImage.TYPE_BYTE_GRAY);
      Prompt fox = sd.prompt("a fox").init(init()).mask(black).size(32).steps(3);
      Prompt cat = sd.prompt("a cat").init(init()).mask(black).size(32).steps(3);
      BufferedImage kept = fox.draw();
      assertEquals(0, difference(kept, cat.draw()));
      BufferedImage white = new BufferedImage(32, 32, BufferedImage.TYPE_BYTE_GRAY);
      white
          .getRaster()
          .setSamples(
              0, 0, 32, 32, 0, Collections.nCopies(1024, 255).stream().mapToInt(i -> i).toArray());
      assertTrue(difference(fox.mask(white).draw(), cat.mask(white).draw()) > 2);
    }
  }

  @Test
  void theSizeIsThePicturesUnlessGiven() throws IOException {
    try (var sd = StableDiffusion.load(wide(), Device.cpu())) {
      DrawingPlan plan = sd.prompt("a fox").init(init()).mask(mask()).plan();
      assertEquals(48, plan.width());
      assertEquals(32, plan.height());
      assertEquals(0, plan.firstStep());
    }
  }

  @Test
  void refusesHalfOfWhatItNeeds() throws IOException {
    try (var sd = StableDiffusion.load(TINY.resolve("model"), Device.cpu())) {
      assertRefused("the mask is of an initial picture", sd.prompt("a fox").mask(mask())::plan);
      BufferedImage clear = new BufferedImage(8, 8, BufferedImage.TYPE_INT_ARGB);
      assertRefused("transparent pixels", () -> sd.prompt("a fox").init(init()).mask(clear));
      assertFalse(sd.isInpainting());
    }
    try (var sd = StableDiffusion.load(wide(), Device.cpu())) {
      assertRefused("trained to inpaint", sd.prompt("a fox")::plan);
      assertRefused("trained to inpaint", sd.prompt("a fox").init(init())::plan);
    }
  }

  @ParameterizedTest
  @CsvSource({"5,depth", "7,upscaler", "8,InstructPix2Pix"})
  void modelsThatTakeOtherThingsAreRefusedByName(int channels, String name, @TempDir Path here)
      throws IOException {
    Path model = WideModel.write(TINY.resolve("model"), here.resolve("model"));
    Path config = model.resolve("unet/config.json");
    String json = Files.readString(config);
    Files.writeString(config, json.replace("_channels\": 9", "_channels\": " + channels));
    WeightsException e =
        assertThrows(WeightsException.class, () -> StableDiffusion.load(model, Device.cpu()));
    assertTrue(e.getMessage().contains(name), e.getMessage());
  }

  private static void assertRefused(
      String reason, org.junit.jupiter.api.function.Executable mistake) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, mistake);
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }
}
