package nacre.cli.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import nacre.cli.TestGpu;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.ops.RandomNormal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Variants of the model on a GPU: captured steps learn what the CPU learns, and draw the same. */
@Tag("cuda")
class VariantOnGpuTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int STEPS = 4;
  private static final int IMAGES = 2;

  @BeforeEach
  void findsOne() {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'asset_tokens': {'background': 'none', 'corners': 8}}",
        "{'asset_tokens': {'background': 'no_pose', 'encoder_positions': false}}",
        "{'asset_tokens': {'source_pose': true}}",
        "{'unet_input': 'source', 'unet': {'in_channels': 28}, 'asset_tokens': {'content':"
            + " 'boxes'}}"
      })
  void aGpuLearnsWhatTheCpuLearns(String keys) throws IOException {
    ObjectNode root = (ObjectNode) JSON.readTree(Preset.builtin("tiny").json());
    JSON.readerForUpdating(root).readValue(keys.replace('\'', '"'));
    Preset preset = Preset.of("mine", root.toPrettyString());
    double[] losses = new double[STEPS];
    float[] wanted = run(preset, Device.cpu(), losses);
    double[] found = new double[STEPS];
    float[] drawn = run(preset, Device.of("cuda"), found);
    assertArrayEquals(losses, found, 1e-4);
    assertTrue(losses[STEPS - 1] < losses[0]);
    assertArrayEquals(wanted, drawn, 2e-3f);
  }

  private static float[] run(Preset preset, Device device, double[] losses) {
    PairBatch batch = HeldOut.pairs(DataConfig.of(preset.data().orElseThrow()), IMAGES, 16);
    batch.timesteps()[1] = 600;
    batch.conditioning().keepSource()[1] = 0;
    try (Trainer trainer = new Trainer(preset, device, 5)) {
      for (int step = 0; step < STEPS; step++) {
        losses[step] = trainer.step(batch, 1e-3);
      }
      try (Scope _ = Scope.open()) {
        Shape shape = Shape.of(IMAGES, 8, 8, 12);
        return new Sampler(trainer.averaged(), 2, 1.5)
            .sample(batch.conditioning(), RandomNormal.normal(device, shape, 3, 0))
            .toFloats();
      }
    }
  }
}
