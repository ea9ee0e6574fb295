package nacre.diffusion.unet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Cast;
import nacre.tensor.ops.RandomNormal;
import nacre.tensor.ops.Reduce;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Properties of the UNet beyond its numbers, which the bundles of verify compare. */
class UNetTest {
  private static final Device CPU = Device.cpu();
  private static final String CONFIG =
      """
      {"sample_size": 8, "in_channels": 4, "out_channels": 4, "block_out_channels": [8, 16],
       "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
       "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"], "layers_per_block": 1,
       "attention_head_dim": 2, "cross_attention_dim": 6, "norm_num_groups": 4}
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

  private static UNetConfig config(String json) throws JsonProcessingException {
    return UNetConfig.of(new JsonMapper().readTree(json));
  }

  private static Tensor normal(int stream, int... dims) {
    return RandomNormal.normal(CPU, Shape.of(dims), 5, stream);
  }

  private static Map<String, float[]> gradients(UNet2DCondition unet, Parameters p) {
    Map<String, float[]> values = new LinkedHashMap<>();
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor timesteps = Tensor.of(CPU, Shape.of(2), 3, 771);
      Tensor y = unet.forward(normal(1, 2, 8, 6, 4), timesteps, normal(2, 2, 5, 6));
      values.put("output", y.toFloats());
      Gradients gradients = tape.backward(Reduce.mean(y));
      p.all()
          .forEach(
              (name, parameter) -> {
                assertNotNull(gradients.of(parameter), name);
                values.put(name, gradients.of(parameter).toFloats());
              });
    }
    return values;
  }

  @Test
  void theSameTwiceToTheBit() throws JsonProcessingException {
    Parameters p = Parameters.create(CPU, DType.F32, 42);
    UNet2DCondition unet = new UNet2DCondition(p, config(CONFIG));
    Map<String, float[]> first = gradients(unet, p);
    long live = Memory.liveBytes();
    Map<String, float[]> second = gradients(unet, p);
    assertEquals(live, Memory.liveBytes());
    first.forEach((name, values) -> assertArrayEquals(values, second.get(name), name));
  }

  @Test
  void inferenceKeepsNoMoreThanTheSkipsAndABlock() throws JsonProcessingException {
    Parameters p = Parameters.create(CPU, DType.F32, 42);
    UNet2DCondition unet = new UNet2DCondition(p, config(CONFIG));
    int side = 64;
    Tensor sample = normal(1, 1, side, side, 4);
    Tensor context = normal(2, 1, 5, 6);
    Tensor timestep = Tensor.of(CPU, Shape.of(1), 3);
    long before = Memory.liveBytes();
    Memory.resetPeak();
    Tensor y = unet.forward(sample, timestep, context);
    long peak = Memory.peakBytes() - before;
    assertEquals(before + y.bytes(), Memory.liveBytes());
    // In full-size tensors of 8 channels: the feed-forward has 16 at its widest, the blocks around
    // it and the skips have 8.
    long fullSize = 4L * side * side * 8;
    assertTrue(peak < 25 * fullSize, "peak is " + (double) peak / fullSize + " tensors");
  }

  @Test
  void bfloat16IsCloseToFloat32() throws JsonProcessingException {
    Parameters p = Parameters.create(CPU, DType.F32, 42);
    UNet2DCondition unet = new UNet2DCondition(p, config(CONFIG));
    Tensor sample = normal(1, 2, 8, 6, 4);
    Tensor context = normal(2, 2, 5, 6);
    Tensor timesteps = Tensor.of(CPU, Shape.of(2), 3, 771);
    float[] exact = unet.forward(sample, timesteps, context).toFloats();
    Tensor rounded =
        unet.forward(Cast.cast(sample, DType.BF16), timesteps, Cast.cast(context, DType.BF16));
    assertEquals(DType.BF16, rounded.dtype());
    double difference = 0;
    double norm = 0;
    float[] values = rounded.toFloats();
    for (int i = 0; i < exact.length; i++) {
      difference += Math.pow(values[i] - exact[i], 2);
      norm += Math.pow(exact[i], 2);
    }
    assertTrue(Math.sqrt(difference / norm) < 2e-2, "off by " + Math.sqrt(difference / norm));
  }

  @Test
  void wrongShapesAreNamed() throws JsonProcessingException {
    String unpadded =
        CONFIG.replace("\"sample_size\"", "\"downsample_padding\": 0, \"sample_size\"");
    UNet2DCondition unet =
        new UNet2DCondition(Parameters.create(CPU, DType.F32, 1), config(unpadded));
    Tensor context = normal(2, 2, 5, 6);
    Tensor timesteps = Tensor.of(CPU, Shape.of(2), 3, 771);
    String odd =
        assertThrows(
                IllegalArgumentException.class,
                () -> unet.forward(normal(1, 2, 7, 6, 4), timesteps, context))
            .getMessage();
    assertTrue(odd.contains("[2, 7, 6, 4]") && odd.contains("multiples of 2"), odd);
    String narrow =
        assertThrows(
                IllegalArgumentException.class,
                () -> unet.forward(normal(1, 2, 8, 6, 4), timesteps, normal(2, 2, 5, 7)))
            .getMessage();
    assertTrue(narrow.contains("[2, 5, 7]") && narrow.contains("[N, S, 6]"), narrow);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '=',
      value = {
        "addition_embed_type = 'text_time'",
        "class_embed_type = 'timestep'",
        "resnet_time_scale_shift = 'scale_shift'",
        "mid_block_type = 'UNetMidBlock2D'",
        "down_block_types = ['AttnDownBlock2D', 'DownBlock2D']",
        "down_block_types = 'DownBlock2D'",
        "block_out_channels = [8, 16, 16]",
        "block_out_channels = 8.5",
        "sample_size = [8, 12]",
        "only_cross_attention = [false, true]",
        "num_attention_heads = 2",
        "norm_eps = 'small'"
      },
      quoteCharacter = '`')
  void configsThatAreNotBuiltAreRefusedByName(String key, String value)
      throws JsonProcessingException {
    JsonMapper mapper = new JsonMapper();
    ObjectNode json = (ObjectNode) mapper.readTree(CONFIG);
    json.set(key, mapper.readTree(value.replace('\'', '"')));
    String message =
        assertThrows(IllegalArgumentException.class, () -> UNetConfig.of(json)).getMessage();
    assertTrue(message.contains(key), message);
  }

  @Test
  void configSurvivesJson() throws JsonProcessingException {
    for (String extra : new String[] {"upcast_attention\": true", "mid_block_type\": null"}) {
      UNetConfig config = config(CONFIG.replaceFirst("\\{", "{\"" + extra + ","));
      assertNotEquals(config(CONFIG), config);
      assertEquals(config, UNetConfig.of(config.toJson()));
    }
  }
}
