package nacre.diffusion.vae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Properties of the autoencoder beyond its numbers, which the bundles of verify compare. */
class AutoencoderTest {
  private static final Device CPU = Device.cpu();
  private static final String CONFIG =
      """
      {"block_out_channels": [4, 8, 8], "layers_per_block": 1, "latent_channels": 3,
       "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
       "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
       "norm_num_groups": 2, "scaling_factor": 0.5, "shift_factor": 0.25,
       "mid_block_add_attention": false, "use_quant_conv": false, "use_post_quant_conv": false}
      """;

  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, Memory.liveTensors());
  }

  private static VaeConfig config() throws JsonProcessingException {
    return VaeConfig.of(new JsonMapper().readTree(CONFIG));
  }

  @Test
  void withoutTheOptionalParts() throws JsonProcessingException {
    Parameters p = Parameters.create(CPU, DType.F32, 3);
    AutoencoderKL vae = new AutoencoderKL(p, config());
    assertTrue(p.all().keySet().stream().noneMatch(n -> n.contains("quant_conv")), "quant_conv");
    assertTrue(p.all().keySet().stream().noneMatch(n -> n.contains("attentions")), "attentions");
    assertEquals(4, vae.config().downsampling());
    Tensor pixels = Tensor.zeros(CPU, DType.F32, Shape.of(2, 12, 16, 3));
    long before = Memory.liveTensors();
    LatentDistribution latent = vae.encode(pixels);
    assertEquals(Shape.of(2, 3, 4, 6), latent.moments().shape());
    Tensor image = vae.decode(latent.mode());
    assertEquals(Shape.of(2, 12, 16, 3), image.shape());
    assertEquals(before + 3, Memory.liveTensors(), "moments, mode and image are left");
  }

  @Test
  void wrongChannelsAreNamed() throws JsonProcessingException {
    AutoencoderKL vae = new AutoencoderKL(Parameters.create(CPU, DType.F32, 3), config());
    Tensor x = Tensor.zeros(CPU, DType.F32, Shape.of(1, 8, 8, 4));
    String message = assertThrows(IllegalArgumentException.class, () -> vae.encode(x)).getMessage();
    assertTrue(message.contains("[1, 8, 8, 4]") && message.contains("[N, H, W, 3]"), message);
    assertThrows(IllegalArgumentException.class, () -> vae.decode(x));
  }

  @Test
  void scalingGoesBothWays() throws JsonProcessingException {
    AutoencoderKL vae = new AutoencoderKL(Parameters.create(CPU, DType.F32, 3), config());
    Tensor latent = Tensor.of(CPU, Shape.of(3), 0.25f, 1.25f, -3);
    Tensor scaled = vae.toDiffusion(latent);
    assertArrayEquals(new float[] {0, 0.5f, -1.625f}, scaled.toFloats());
    assertArrayEquals(latent.toFloats(), vae.fromDiffusion(scaled).toFloats());
  }

  @Test
  void latentsAreDrawnByMeanAndVariance() {
    float logFour = (float) Math.log(4);
    Tensor moments =
        Tensor.of(CPU, Shape.of(1, 1, 2, 4), 1, 2, logFour, -99, 3, 4, 0, (float) Math.log(9));
    LatentDistribution latent = new LatentDistribution(moments);
    assertArrayEquals(new float[] {1, 2, 3, 4}, latent.mode().toFloats());
    assertArrayEquals(
        new float[] {logFour, -30, 0, (float) Math.log(9)}, latent.logVariance().toFloats(), 1e-5f);
    Tensor noise = Tensor.of(CPU, Shape.of(1, 1, 2, 2), 1, 1, -1, 0.5f);
    assertArrayEquals(new float[] {3, 2, 2, 5.5f}, latent.sample(noise).toFloats(), 1e-4f);
  }

  @ParameterizedTest
  @CsvSource({
    "encoder.mid_block.attentions.0.query.weight, encoder.mid_block.attentions.0.to_q.weight",
    "decoder.mid_block.attentions.0.key.bias, decoder.mid_block.attentions.0.to_k.bias",
    "decoder.mid_block.attentions.0.value.bias, decoder.mid_block.attentions.0.to_v.bias",
    "encoder.mid_block.attentions.0.proj_attn.bias, encoder.mid_block.attentions.0.to_out.0.bias",
    "encoder.mid_block.attentions.0.to_q.weight, encoder.mid_block.attentions.0.to_q.weight",
    "encoder.mid_block.attentions.0.group_norm.bias,"
        + " encoder.mid_block.attentions.0.group_norm.bias",
    "encoder.conv_in.weight, encoder.conv_in.weight"
  })
  void oldNamesAreKnown(String old, String current) {
    assertEquals(current, AutoencoderKL.currentName(old));
  }

  @Test
  void configSurvivesJson() throws JsonProcessingException {
    assertEquals(config(), VaeConfig.of(config().toJson()));
  }
}
