package nacre.diffusion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import javax.imageio.ImageIO;
import nacre.diffusion.checkpoint.CheckpointWriter;
import nacre.diffusion.checkpoint.DiffusersFolder;
import nacre.diffusion.image.RgbImage;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.Conversion;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.StoredType;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An autoencoder of one's own, compared with what export_vae.py had diffusers draw. */
class OwnVaeTest {
  private static final Path TINY = Path.of("../tools/cli/src/test/resources/tiny-sd");
  private static final Path MODEL = TINY.resolve("model");
  private static final String WEIGHTS = "diffusion_pytorch_model.safetensors";

  @TempDir Path folder;

  private JsonNode settings;
  private Path vae;

  @BeforeEach
  void writeTheVae() throws IOException {
    settings = new JsonMapper().readTree(TINY.resolve("vae/case.json").toFile());
    vae = Files.createDirectories(folder.resolve("vae"));
    String config = Files.readString(MODEL.resolve("vae/config.json"));
    String scaling = "\"scaling_factor\": " + settings.get("scaling_factor");
    Files.writeString(
        vae.resolve("config.json"), config.replaceFirst("\"scaling_factor\": [\\d.]+", scaling));
    write(MODEL.resolve("vae").resolve(WEIGHTS), vae.resolve(WEIGHTS), OwnVaeTest::factor);
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  /** As the script's {@code change}. */
  private static float factor(String name) {
    return switch (name) {
      case "quant_conv.weight" -> 0.5f;
      case "post_quant_conv.weight" -> 2;
      case "decoder.conv_out.weight" -> -1;
      default -> 1;
    };
  }

  /** The factor of a tensor of a name. */
  private interface Factor {
    float of(String name);
  }

  private static void write(Path from, Path to, Factor factor) throws IOException {
    try (StateDict dict = StateDict.open(from);
        Scope _ = Scope.open()) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      for (var entry : dict.entries().entrySet()) {
        Tensor tensor = entry.getValue().toTensor(Device.cpu(), DType.F32, Layout.SAME);
        float[] values = tensor.toFloats();
        for (int i = 0; i < values.length; i++) {
          values[i] *= factor.of(entry.getKey());
        }
        Tensor changed = Tensor.of(Device.cpu(), tensor.shape(), values);
        writer.add(entry.getKey(), changed, Layout.SAME);
      }
      writer.write(to);
    }
  }

  /** Copies a file's tensors under other names; those without a new name stay behind. */
  private Path rename(Path from, String name, StoredType type, UnaryOperator<String> names)
      throws IOException {
    Path to = folder.resolve(name);
    try (StateDict dict = StateDict.open(from).rename(names)) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      dict.entries().forEach((key, entry) -> writer.add(key, List.of(entry), entry.shape(), type));
      writer.write(to);
    }
    return to;
  }

  /** The tiny model with the other autoencoder as a single file under the original names. */
  private Path original() throws IOException {
    Path whole = WideModel.copy(MODEL, folder.resolve("whole"));
    for (String file : List.of("config.json", WEIGHTS)) {
      Files.copy(
          vae.resolve(file),
          whole.resolve("vae").resolve(file),
          StandardCopyOption.REPLACE_EXISTING);
    }
    Path single = folder.resolve("whole.safetensors");
    new CheckpointWriter(new Conversion(Optional.empty()))
        .singleFile(new DiffusersFolder(whole), single);
    return single;
  }

  private Prompt prompt(StableDiffusion sd) {
    return sd.prompt(settings.get("prompt").asText())
        .scheduler("ddim")
        .size(48, 32)
        .steps(settings.get("steps").asInt())
        .guidance(settings.get("guidance").asDouble())
        .seed(settings.get("seed").asLong());
  }

  private static void assertSame(String expected, BufferedImage drawn) throws IOException {
    byte[] left = RgbImage.of(picture("vae/" + expected + ".png")).rgb();
    byte[] right = RgbImage.of(drawn).rgb();
    assertEquals(left.length, right.length);
    for (int i = 0; i < left.length; i++) {
      assertEquals(left[i] & 0xFF, right[i] & 0xFF, 2, expected);
    }
  }

  private static BufferedImage picture(String name) throws IOException {
    return ImageIO.read(TINY.resolve(name).toFile());
  }

  private static StableDiffusion load(Path vae) throws WeightsException {
    return StableDiffusion.load(MODEL, Device.cpu(), LoadOptions.DEFAULT.withVae(vae));
  }

  @ParameterizedTest
  @ValueSource(strings = {"folder", "model", "file in the folder"})
  void picturesEqualThoseOfDiffusers(String form) throws IOException {
    Path path =
        switch (form) {
          case "folder" -> vae;
          case "model" -> folder; // which holds vae/
          default -> vae.resolve(WEIGHTS);
        };
    try (var sd = load(path)) {
      assertSame("text", prompt(sd).draw());
      BufferedImage init = picture("epsilon/init.png");
      assertSame("init", prompt(sd).init(init).strength(0.6).draw());
      assertSame("mask", prompt(sd).init(init).mask(picture("inpainting/mask.png")).draw());
    }
  }

  /** A file of weights alone says nothing of its scaling: it has the usual one, as in diffusers. */
  @Test
  void everyNamingGivesTheSamePicture() throws IOException {
    Path plain = rename(vae.resolve(WEIGHTS), "plain.safetensors", StoredType.F32, name -> name);
    byte[] expected;
    try (var sd = load(plain)) {
      expected = RgbImage.of(prompt(sd).draw()).rgb();
    }
    Path single = original();
    String prefix = "first_stage_model.";
    List<Path> others =
        List.of(
            rename(
                single,
                "prefixed.safetensors",
                StoredType.F16,
                name -> name.startsWith(prefix) ? name : null),
            rename(single, "bare.safetensors", StoredType.F16, name -> bare(name, prefix)),
            rename(vae.resolve(WEIGHTS), "vae.safetensors", StoredType.F32, name -> "vae." + name));
    for (Path other : others) {
      try (var sd = load(other)) {
        byte[] drawn = RgbImage.of(prompt(sd).draw()).rgb();
        assertArrayEquals(expected, drawn, other.toString());
      }
    }
    // A whole model that Nacre wrote has its configs with it, the scaling among them.
    try (var sd = load(single)) {
      assertSame("text", prompt(sd).draw());
    }
  }

  private static String bare(String name, String prefix) {
    if (name.equals("model.diffusion_model.out.0.weight")) {
      return "loss.discriminator.main.0.weight"; // left by training, and passed over
    }
    return name.startsWith(prefix) ? name.substring(prefix.length()) : null;
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void halfPrecisionIsReadAsItIs(StoredType type) throws IOException {
    Path half = rename(vae.resolve(WEIGHTS), "half.safetensors", type, name -> name);
    Path whole = rename(half, "whole.safetensors", StoredType.F32, name -> name);
    try (var narrow = load(half);
        var wide = load(whole)) {
      byte[] expected = RgbImage.of(prompt(wide).draw()).rgb();
      assertArrayEquals(expected, RgbImage.of(prompt(narrow).draw()).rgb());
    }
  }

  @Test
  void theModelsOwnNeedNotBeThere() throws IOException {
    Path model = WideModel.copy(MODEL, folder.resolve("without"));
    Files.delete(model.resolve("vae").resolve(WEIGHTS));
    Files.delete(model.resolve("vae/config.json"));
    LoadOptions options = LoadOptions.DEFAULT.withVae(vae);
    try (var sd = StableDiffusion.load(model, Device.cpu(), options)) {
      assertSame("text", prompt(sd).draw());
    }
  }

  @Test
  void refusesWhatIsNone() throws IOException {
    assertRefused("is no autoencoder", MODEL.resolve("unet").resolve(WEIGHTS));
    assertRefused("no such file", folder.resolve("none.safetensors"));
    assertRefused("config.json: no such file", Files.createDirectories(folder.resolve("empty")));
    Path config = vae.resolve("config.json");
    String json = Files.readString(config);
    Files.writeString(config, json.replace("\"latent_channels\": 4", "\"latent_channels\": 16"));
    assertRefused("the autoencoder makes 16", vae);
  }

  private void assertRefused(String reason, Path path) {
    WeightsException e = assertThrows(WeightsException.class, () -> load(path));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
    assertEquals(Optional.empty(), e.getMessage().lines().skip(1).findFirst());
  }
}
