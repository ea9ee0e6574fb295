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
import org.junit.jupiter.params.provider.EnumSource;

/** Frames are encoded in batches, and each as if it were alone. */
class FrameEncoderTest {
  private static final Preset PRESET = TinyLatent.preset();
  private static final int BATCH = PRESET.training().batchSize();

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

  private static float[] frames(int count) {
    int size = PRESET.imageSize();
    Tensor noise = Tensor.empty(Device.cpu(), DType.F32, Shape.of(count, size, size, 3));
    noise.backend().normal(11, 0, noise);
    return noise.toFloats();
  }

  private static float[] frame(float[] frames, int i, int length) {
    return Arrays.copyOfRange(frames, i * length, (i + 1) * length);
  }

  /**
   * The bits of a frame's moments depend neither on the frames around it, nor on its place, nor on
   * how many there are: they are those of the frame alone.
   */
  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void aFrameHasTheSameBitsInEveryBatch(DType compute) {
    try (Scope _ = Scope.open()) {
      NeuralAssets model =
          new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, 7), PRESET, compute);
      SampleSpace.Latents latents = (SampleSpace.Latents) model.samples();
      try (FrameEncoder encoder = new FrameEncoder(model)) {
        assertEquals(BATCH, encoder.batch());
        int length = encoder.length();
        float[] frames = frames(BATCH);
        float[][] alone = new float[BATCH][];
        for (int i = 0; i < BATCH; i++) {
          Tensor image =
              Tensor.of(
                  Device.cpu(),
                  Shape.of(1, PRESET.imageSize(), PRESET.imageSize(), 3),
                  frame(frames, i, length));
          alone[i] = latents.vae().encode(image).moments().toFloats();
        }
        assertFalse(Arrays.equals(alone[0], alone[1]));
        float[] reversed = new float[frames.length];
        for (int i = 0; i < BATCH; i++) {
          System.arraycopy(frames, i * length, reversed, (BATCH - 1 - i) * length, length);
        }
        try (Tape _ = Tape.open()) {
          Tensor whole = encoder.encode(frames);
          assertFalse(whole.tracked());
          assertArrayEquals(alone[3], whole.rows(3, 4).toFloats());
          Tensor turned = encoder.encode(reversed);
          for (int i = 0; i < BATCH; i++) {
            assertArrayEquals(alone[i], turned.rows(BATCH - 1 - i, BATCH - i).toFloats());
          }
          Tensor two = encoder.encode(Arrays.copyOfRange(frames, 2 * length, 4 * length));
          assertEquals(2, two.dim(0));
          assertArrayEquals(alone[2], two.rows(0, 1).toFloats());
          assertArrayEquals(alone[3], two.rows(1, 2).toFloats());
        }
      }
    }
  }
}
