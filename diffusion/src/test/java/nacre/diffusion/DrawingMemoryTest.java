package nacre.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Supplier;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.Tiles;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DrawingMemoryTest {
  private static final Device CPU = Device.cpu();
  private static final long GB = 1_000_000_000;

  @Test
  void itIsTooMuchWhereLessCanBeHad() {
    assertTrue(new DrawingMemory(3 * GB, GB, true, OptionalLong.of(4 * GB - 1)).isTooMuch());
    assertFalse(new DrawingMemory(3 * GB, GB, true, OptionalLong.of(4 * GB)).isTooMuch());
    assertFalse(new DrawingMemory(3 * GB, GB, true, OptionalLong.empty()).isTooMuch());
    assertEquals(4 * GB, new DrawingMemory(3 * GB, GB, true, OptionalLong.empty()).total());
  }

  private static final String SIZES =
      "\"block_out_channels\": [16, 32, 64, 64], \"norm_num_groups\": 8, \"layers_per_block\": 2, ";

  private static JsonNode json(String text) throws JsonProcessingException {
    return new JsonMapper().readTree("{" + SIZES + text + "}");
  }

  /** Never less than the most that tensors held, nor much more; channels are as those of SD. */
  private static void assertAbout(long estimate, Supplier<Tensor> work, String what) {
    long before = Memory.liveBytes();
    Memory.resetPeak();
    try (Scope _ = Scope.open()) {
      work.get();
    }
    long peak = Memory.peakBytes() - before;
    double ratio = (double) estimate / peak;
    assertTrue(ratio >= 0.995 && ratio <= 1.3, what + ": " + ratio + " of " + peak);
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 256, 256, 0",
    "BF16, 256, 384, 0",
    "F32, 320, 320, 256",
    "BF16, 384, 384, 256",
    "F32, 512, 512, 256",
    "F32, 512, 512, 128",
    "BF16, 256, 768, 128"
  })
  void decodingHoldsAboutWhatWasEstimated(DType dtype, int width, int height, int side)
      throws JsonProcessingException {
    try (Scope _ = Scope.open()) {
      VaeConfig config =
          VaeConfig.of(
              json(
                  """
                  "latent_channels": 4,
                  "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D",
                      "DownEncoderBlock2D", "DownEncoderBlock2D"],
                  "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D",
                      "UpDecoderBlock2D"]
                  """));
      AutoencoderKL vae = new AutoencoderKL(Parameters.create(CPU, dtype, 1), config);
      Tensor latent = Tensor.zeros(CPU, dtype, Shape.of(1, height / 8, width / 8, 4));
      long pixels = (long) width * height;
      long tile = side == 0 ? pixels : (long) side * side;
      assertAbout(
          DrawingMemory.decoding(pixels, tile, config.blockOutChannels(), dtype.bytes()),
          () -> side == 0 ? vae.decode(latent) : new Tiles(side).decode(vae, latent),
          width + "×" + height + " in tiles of " + side);
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, 64, 64, 1", "F32, 64, 96, 2", "BF16, 64, 64, 2"})
  void aStepHoldsAboutWhatWasEstimated(DType dtype, int width, int height, int batch)
      throws JsonProcessingException {
    try (Scope _ = Scope.open()) {
      UNetConfig config =
          UNetConfig.of(
              json(
                  """
                  "in_channels": 4, "out_channels": 4, "attention_head_dim": [1, 2, 4, 4],
                  "cross_attention_dim": 32, "use_linear_projection": true,
                  "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                      "CrossAttnDownBlock2D", "DownBlock2D"],
                  "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                      "CrossAttnUpBlock2D"]
                  """));
      UNet2DCondition unet = new UNet2DCondition(Parameters.create(CPU, dtype, 1), config);
      Tensor latent = Tensor.zeros(CPU, dtype, Shape.of(batch, height, width, 4));
      Tensor context = Tensor.zeros(CPU, dtype, Shape.of(batch, 7, 32));
      Tensor times = Tensor.full(CPU, DType.F32, Shape.of(batch), 5);
      assertAbout(
          DrawingMemory.step(
              (long) batch * height * width, config.blockOutChannels().getFirst(), dtype.bytes()),
          () -> unet.forward(latent, times, context),
          width + "×" + height + " by " + batch);
    }
  }

  @Test
  void theLatentCountsWhereThePictureHasFewChannels() {
    assertEquals(6 * 4096 * 512 * 4, DrawingMemory.decoding(65_536, 65_536, List.of(4, 8, 512), 4));
  }
}
