package nacre.neuralassets.latents;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.List;
import nacre.diffusion.vae.VaeConfig;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.SampleSpace;
import nacre.neuralassets.model.TinyLatent;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Frames are encoded in batches, and each as if it were at the first place. */
class FrameEncoderTest {
  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static VaeConfig vae(Integer... channels) {
    return new VaeConfig(64, 3, 3, 4, List.of(channels), 1, 1, true, true, true, 0.18215, 0, true);
  }

  /** 16 MiB hold 2^22 numbers; the widest level counts, at half the side for each below. */
  @ParameterizedTest
  @CsvSource({
    "64, 32, 64, 100, 32", // 64 · 64 · 32 = 2^17
    "64, 32, 64, 16, 16", // no more than asked for
    "64, 32, 128, 100, 32", // 32 · 32 · 128 = 2^17 as well
    "64, 32, 256, 100, 16", // 32 · 32 · 256 = 2^18
    "128, 128, 128, 100, 2", // 128 · 128 · 128 = 2^21
    "256, 128, 512, 64, 1", // Stable Diffusion's
    "1024, 128, 512, 64, 1",
  })
  void aBatchHasAsManyFramesAsMemoryIsGrantedFor(
      int size, int first, int second, int most, int wanted) {
    assertEquals(wanted, FrameEncoder.batch(vae(first, second), size, most));
  }

  private static float[] frames(Preset preset, int count) {
    int size = preset.imageSize();
    try (Scope _ = Scope.open()) {
      Tensor noise = Tensor.empty(Device.cpu(), DType.F32, Shape.of(count, size, size, 3));
      noise.backend().normal(11, 0, noise);
      return noise.toFloats();
    }
  }

  /**
   * The bits of a frame's moments depend neither on the frames around it, nor on its place among
   * them, nor on how many there are. Those of batches of another size may differ in rounding.
   */
  @ParameterizedTest
  @CsvSource({"tiny, F32", "tiny, BF16", "demo, F32", "demo, BF16"})
  void aFrameHasTheSameBitsAtEveryPlace(String name, DType compute) {
    Preset preset = name.equals("tiny") ? TinyLatent.preset() : Preset.builtin(name);
    try (Scope _ = Scope.open()) {
      Parameters parameters = Parameters.create(Device.cpu(), DType.F32, 7);
      NeuralAssets model = new NeuralAssets(parameters, preset, compute);
      SampleSpace.Latents latents = (SampleSpace.Latents) model.samples();
      try (FrameEncoder encoder = new FrameEncoder(model);
          Tape _ = Tape.open()) {
        int batch = encoder.batch();
        assertEquals(preset.training().batchSize(), batch);
        int length = encoder.length();
        float[] frames = frames(preset, batch);
        float[][] first = new float[batch][];
        for (int i = 0; i < batch; i++) {
          Tensor one = encoder.encode(Arrays.copyOfRange(frames, i * length, (i + 1) * length));
          assertEquals(1, one.dim(0));
          assertFalse(one.tracked());
          first[i] = one.toFloats();
        }
        assertFalse(Arrays.equals(first[0], first[1]));
        float[] turned = new float[frames.length];
        for (int i = 0; i < batch; i++) {
          System.arraycopy(frames, i * length, turned, (batch - 1 - i) * length, length);
        }
        Tensor whole = encoder.encode(turned);
        for (int i = 0; i < batch; i++) {
          assertArrayEquals(first[i], whole.rows(batch - 1 - i, batch - i).toFloats());
        }
        Tensor image =
            Tensor.of(
                Device.cpu(),
                Shape.of(1, preset.imageSize(), preset.imageSize(), 3),
                Arrays.copyOf(frames, length));
        float[] alone = latents.vae().encode(image).moments().toFloats();
        assertArrayEquals(alone, first[0], compute == DType.F32 ? 1e-4f : 0.1f);
      }
    }
  }
}
