package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.VaeConfig;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The autoencoder in whose latents a preset draws: the one that ships, and one of one's own. */
class PretrainedAutoencoderTest {
  private static final int FRAMES = 6;
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;

  /** The shipped weights do what their log says: 34 dB on frames that no run is trained on. */
  @Test
  void theShippedOneReconstructsScenes() throws IOException {
    AutoencoderPreset trained = (AutoencoderPreset) PresetFile.named("autoencoder").trained();
    int size = trained.imageSize();
    PretrainedAutoencoder shipped = PretrainedAutoencoder.open(PretrainedAutoencoder.SHIPPED);
    DataConfig data = DataConfig.of(trained.data().orElseThrow());
    float[] pixels = new float[FRAMES * size * size * 3];
    for (int i = 0; i < FRAMES; i++) {
      Clip clip = Clip.of("held-out", HeldOut.scene(data, i, size), size, data.slots());
      byte[] rgb = clip.rgb(i);
      for (int k = 0; k < rgb.length; k++) {
        pixels[i * rgb.length + k] = (rgb[k] & 0xff) / 127.5f - 1;
      }
    }
    try (Scope _ = Scope.open()) {
      Parameters parameters = Parameters.unwritten(Device.cpu(), DType.F32);
      AutoencoderKL vae = new AutoencoderKL(parameters.at("vae"), shipped.config());
      shipped.load(parameters);
      Tensor images = Tensor.of(Device.cpu(), Shape.of(FRAMES, size, size, 3), pixels);
      Tensor latents = vae.encode(images).mode();
      float[] scaled = vae.toDiffusion(latents).toFloats();
      double squares = 0;
      for (float z : scaled) {
        squares += z * z / scaled.length;
      }
      assertEquals(1, squares, 0.2);
      float[] drawn = vae.decode(latents).toFloats();
      double error = 0;
      for (int i = 0; i < drawn.length; i++) {
        error += Math.pow((Math.clamp(drawn[i], -1f, 1f) - pixels[i]) / 2, 2) / drawn.length;
      }
      assertTrue(-10 * Math.log10(error) > 32, "PSNR " + -10 * Math.log10(error));
    }
  }

  @Test
  void aPresetTakesTheSizesOfTheOneThatItNames() throws IOException {
    VaeConfig config = TinyLatent.preset().vae().orElseThrow();
    Path vae = Files.createDirectories(folder.resolve("mine/vae"));
    JSON.writeValue(vae.resolve("config.json").toFile(), config.toJson());
    ObjectNode root = (ObjectNode) JSON.readTree(TinyLatent.preset().json());
    root.remove("vae");
    root.put("vae_from", folder.resolve("mine").toString());
    Path file = folder.resolve("preset.json");
    Files.writeString(file, root.toString());
    Preset preset = Preset.read(file);
    assertEquals(config, preset.vae().orElseThrow());
    Map<String, Tensor> saved = new LinkedHashMap<>();
    try (Scope _ = Scope.open()) {
      Parameters mine = Parameters.create(Device.cpu(), DType.F32, 9);
      AutoencoderKL unused = new AutoencoderKL(mine, config);
      assertEquals(config, unused.config());
      saved.putAll(mine.all());
      new SafeTensorsWriter()
          .addParameters(saved)
          .write(vae.resolve("diffusion_pytorch_model.safetensors"));
      Parameters model = Parameters.create(Device.cpu(), DType.F32, 1);
      NeuralAssets assets = new NeuralAssets(model, preset);
      PretrainedAutoencoder.open(preset.vaeFrom().orElseThrow()).load(model);
      saved.forEach(
          (name, tensor) ->
              assertArrayEquals(
                  tensor.toFloats(), model.all().get("vae." + name).toFloats(), name));
      assertEquals(preset, assets.preset());
    }
  }

  @Test
  void aFolderWithoutOneIsRefusedInOneLine() {
    IOException none =
        assertThrows(IOException.class, () -> PretrainedAutoencoder.open(folder.toString()));
    assertTrue(none.getMessage().contains("holds no autoencoder"), none.getMessage());
    assertTrue(none.getMessage().contains("\"shipped\""), none.getMessage());
  }

  @Test
  void oneOfOtherSizesIsRefused() throws IOException {
    PretrainedAutoencoder shipped = PretrainedAutoencoder.open(PretrainedAutoencoder.SHIPPED);
    try (Scope _ = Scope.open()) {
      Parameters model = Parameters.unwritten(Device.cpu(), DType.F32);
      NeuralAssets assets = new NeuralAssets(model, TinyLatent.preset());
      WeightsException refused =
          assertThrows(WeightsException.class, () -> shipped.load(assets.preset(), model));
      assertTrue(refused.getMessage().contains("is not the preset's vae"), refused.getMessage());
    }
  }
}
