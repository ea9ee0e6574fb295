package nacre.neuralassets.autoencoder;

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
import java.util.Optional;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.LatentDistribution;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.neuralassets.model.AutoencoderPreset.Losses;
import nacre.neuralassets.model.AutoencoderPreset.Perceptual;
import nacre.neuralassets.model.PresetFile;
import nacre.neuralassets.model.TinyAutoencoder;
import nacre.neuralassets.training.TrainingMemory;
import nacre.nn.Parameters;
import nacre.nn.vision.Lpips;
import nacre.nn.vision.LpipsFiles;
import nacre.nn.vision.LpipsNet;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;
import nacre.tensor.ops.Reduce;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The perceptual term of an autoencoder's loss, with a small network of random weights. */
class PerceptualLossTest {
  private static final Device CPU = Device.cpu();
  private static final int SIZE = 16;

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      new Lpips(p, LpipsNet.VGG, _ -> 8);
      Files.createDirectories(folder.resolve("vgg"));
      Map<String, Tensor> trunk = p.at("features").all();
      new SafeTensorsWriter()
          .addParameters(trunk)
          .write(folder.resolve("vgg").resolve("model.safetensors"));
      Map<String, Tensor> heads = new LinkedHashMap<>(p.all());
      heads.keySet().removeAll(trunk.keySet());
      new SafeTensorsWriter().addParameters(heads).write(folder.resolve("heads.safetensors"));
    }
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static ObjectNode json(String lpips) throws IOException {
    JsonMapper mapper = new JsonMapper();
    ObjectNode json = (ObjectNode) mapper.readTree(TinyAutoencoder.preset().json());
    json.withObject("losses").set("lpips", mapper.readTree(lpips));
    return json;
  }

  /** A preset whose file lies in the folder and names the network by relative paths. */
  private AutoencoderPreset preset(String lpips) throws IOException {
    Path file = folder.resolve("preset.json");
    Files.writeString(file, json(lpips).toString());
    return (AutoencoderPreset) PresetFile.named(file.toString()).trained();
  }

  private AutoencoderPreset preset() throws IOException {
    return preset("{\"weight\": 2, \"trunk\": \"vgg\", \"heads\": \"heads.safetensors\"}");
  }

  @Test
  void relativePlacesStartAtThePresetsFolder() throws IOException {
    LpipsFiles files = preset().losses().lpips().orElseThrow().files();
    Path here = folder.toAbsolutePath();
    Optional<Path> heads = Optional.of(here.resolve("heads.safetensors"));
    assertEquals(new LpipsFiles(LpipsNet.VGG, here.resolve("vgg"), heads), files);
    // a run keeps the text
    AutoencoderPreset kept = AutoencoderPreset.of("kept", preset().json());
    assertEquals(files, kept.losses().lpips().orElseThrow().files());
  }

  @Test
  void theTermIsTheMeanDistanceOfWhatIsDrawn() throws IOException {
    try (Scope _ = Scope.open()) {
      AutoencoderKL vae =
          new AutoencoderKL(Parameters.create(CPU, DType.F32, 3), TinyAutoencoder.preset().vae());
      Perceptual perceptual = preset().losses().lpips().orElseThrow();
      Lpips lpips = perceptual.files().load(CPU);
      Tensor images = RandomNormal.normal(CPU, Shape.of(2, SIZE, SIZE, 3), 4, 0);
      Tensor noise = RandomNormal.normal(CPU, Shape.of(2, 8, 8, 4), 5, 0);
      Losses without = new Losses(1, 0, 0, 0);
      Losses with = new Losses(1, 0, 0, 0, Optional.of(perceptual));
      LatentDistribution latents = vae.encode(images);
      Tensor drawn = vae.decode(latents.sample(noise));
      double distance = Reduce.mean(lpips.distance(drawn, images)).item();
      double plain =
          new AutoencoderObjective(vae, without, null, DType.F32).loss(images, noise).item();
      double loss =
          new AutoencoderObjective(vae, with, lpips, DType.F32).loss(images, noise).item();
      assertEquals(plain + 2 * distance, loss, 1e-5);
      assertTrue(distance > 1e-3, distance + "");
      double half =
          new AutoencoderObjective(vae, with, lpips, DType.BF16).loss(images, noise).item();
      assertEquals(loss, half, 0.05 * loss);
    }
  }

  /** With the pixels' term next to nothing, what falls is the distance. */
  @Test
  void trainingLowersTheDistance() throws IOException {
    AutoencoderPreset preset = preset();
    float[] frames = frames(4);
    try (var trainer = new AutoencoderTrainer(preset, CPU, DType.F32, 7, frames)) {
      double before = distance(preset, trainer, frames);
      for (int i = 0; i < 60; i++) {
        trainer.begin(frames, 3e-3);
      }
      double after = distance(preset, trainer, frames);
      assertTrue(after < 0.5 * before, before + " " + after);
    }
  }

  private static float[] frames(int count) throws IOException {
    DataConfig data = DataConfig.of(TinyAutoencoder.preset().data().orElseThrow());
    return HeldOutFrames.rendered(data, count, SIZE).range(0, count);
  }

  private static double distance(
      AutoencoderPreset preset, AutoencoderTrainer trainer, float[] frames) throws IOException {
    try (Scope _ = Scope.open()) {
      Lpips lpips = preset.losses().lpips().orElseThrow().files().load(CPU);
      Shape shape = Shape.of(frames.length / (SIZE * SIZE * 3), SIZE, SIZE, 3);
      Tensor drawn = Tensor.of(CPU, shape, trainer.reconstruct(frames));
      return Reduce.mean(lpips.distance(drawn, Tensor.of(CPU, shape, frames))).item();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void aRunTakesWhatWasSaid(DType compute) throws IOException {
    AutoencoderPreset preset = preset();
    TrainingMemory said = AutoencoderTrainer.memory(preset, CPU, compute);
    float[] frames = frames(4);
    Memory.resetPeak();
    try (var trainer = new AutoencoderTrainer(preset, CPU, compute, 7, frames)) {
      trainer.begin(frames, 3e-3);
      trainer.begin(frames, 3e-3);
      double taken = Memory.peakBytes();
      assertEquals(taken, said.total(), 0.02 * taken, said.describe());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"weight\": 1}                                | losses.lpips.trunk is missing",
        "{\"trunk\": \"vgg\"}                           | losses.lpips.weight is missing",
        "{\"trunk\": \"vgg\", \"weight\": -1}           | losses.lpips.weight must be a number from"
            + " 0",
        "{\"trunk\": \"vgg\", \"weight\": 1, \"net\": \"resnet\"} | losses.lpips.net must be one"
            + " of vgg, alex, squeeze",
        "{\"trunk\": \"vgg\", \"weight\": 1, \"net\": \"squeeze\"} | net squeeze wants images of at"
            + " least 17 pixels a side; image_size is 16",
        "{\"trunk\": \"vgg\", \"weight\": 1, \"net\": \"alex\"} | net alex wants images of at least"
            + " 31 pixels a side; image_size is 16",
        "{\"trunk\": \"vgg\", \"weight\": 1, \"depth\": 3} | losses.lpips.depth is not known",
        "3                                              | losses.lpips must be an object"
      })
  void whatIsWrongInAPresetIsNamed(String lpips, String why) throws IOException {
    String json = json(lpips).toString();
    var e = assertThrows(IllegalArgumentException.class, () -> AutoencoderPreset.of("p", json));
    assertTrue(e.getMessage().contains(why), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void aMissingNetworkIsNamedAndNothingIsLeft() throws IOException {
    AutoencoderPreset preset = preset("{\"weight\": 1, \"trunk\": \"elsewhere.safetensors\"}");
    var e =
        assertThrows(
            WeightsException.class,
            () -> new AutoencoderTrainer(preset, CPU, DType.F32, 7, new float[SIZE * SIZE * 3]));
    assertTrue(e.getMessage().contains("elsewhere.safetensors"), e.getMessage());
    assertThrows(IllegalStateException.class, Scope::current);
  }
}
