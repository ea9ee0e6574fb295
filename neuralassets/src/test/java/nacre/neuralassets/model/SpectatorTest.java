package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.edit.EditTokens;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.ops.RandomNormal;
import org.junit.jupiter.api.Test;

/** The images that a sampler shows while it draws. */
class SpectatorTest {
  @Test
  void theEstimatesComeNearerAndEndWithTheImage() throws Exception {
    try (Scope _ = Scope.open()) {
      NeuralAssets model = ModelFolder.load(Path.of("../models/demo"), Device.of("cpu"));
      Preset preset = model.preset();
      DataConfig data = DataConfig.of(preset.data().orElseThrow());
      SceneView view = SceneView.of("3", HeldOut.scene(data, 3, 64), 64, data.slots());
      EncodedConditioning given =
          new EditTokens(model, data.slots(), _ -> view).encode(view, List.of());
      var shape = Shape.of(1, preset.sampleSize(), preset.sampleSize(), preset.sampleChannels());
      List<float[]> seen = new ArrayList<>();
      Sampler sampler = new Sampler(model, 4, 1);
      var noise = RandomNormal.normal(model.device(), shape, 7, 0);
      float[] alone = sampler.sample(given, noise, null, (int _) -> {}).toFloats();
      long before = Memory.liveTensors(); // with what the model keeps of its first use
      Sampler.Spectator spectator = (_, images) -> seen.add(images.get().toFloats());
      float[] drawn = sampler.sample(given, noise, null, spectator).toFloats();
      assertEquals(4, seen.size());
      assertTrue(distance(seen.get(0), drawn) > distance(seen.get(2), drawn));
      assertArrayEquals(drawn, seen.getLast(), 1e-5f);
      assertArrayEquals(alone, drawn, "looking changes nothing");
      assertEquals(before + 1, Memory.liveTensors(), "the picture");
    }
  }

  private static double distance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum;
  }
}
