package nacre.lab.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.nn.AttentionContext;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Cast;
import nacre.tensor.ops.RandomNormal;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A step of sampling on a GPU, where query, key and value are one product and so are the time
 * projections, is what the model computes without.
 */
@Tag("cuda")
class ConstantStepTest {
  private static final String CONFIG =
      """
      {"sample_size": 8, "in_channels": 4, "out_channels": 4, "block_out_channels": [8, 16],
       "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
       "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"], "layers_per_block": 1,
       "attention_head_dim": 1, "cross_attention_dim": 8, "norm_num_groups": 4}
      """;

  @ParameterizedTest
  @CsvSource({"F32, 2e-6", "BF16, 2e-2"})
  void aSharedTimestepAndAConstantContext(DType dtype, double tolerance) throws IOException {
    assumeTrue(Settings.ofProcess().cudaSimulator().isPresent(), "no simulated GPU");
    Device device = Device.of("cuda");
    try (Scope _ = Scope.open()) {
      Parameters weights = Parameters.create(device, dtype, 3).frozen();
      UNet2DCondition unet =
          new UNet2DCondition(weights, UNetConfig.of(new JsonMapper().readTree(CONFIG)));
      Tensor x = normal(device, dtype, 1, 2, 8, 8, 4);
      Tensor context = normal(device, dtype, 2, 2, 5, 8);
      Tensor each = Tensor.full(device, DType.F32, Shape.of(2), 431);
      Tensor one = Tensor.full(device, DType.F32, Shape.of(1), 431);
      AttentionContext constant = unet.constant(context);
      float[] expected = unet.forward(x, each, context).toFloats();
      long before = device.backend().launches();
      Tensor shared = unet.forward(x, one, constant, null);
      final long together = device.backend().launches() - before;
      unet.forward(x, each, context);
      long apart = device.backend().launches() - before - together;
      // 8 residual blocks; 4 transformer blocks with 2 products less, and 2 of the context
      assertEquals(7 + 4 * 4, apart - together, apart + " launches");
      assertTrue(distance(expected, shared.toFloats()) < tolerance);
      float[] repeated = unet.forward(x, one, context).toFloats();
      assertEquals(0, distance(expected, repeated), "a timestep is repeated for each sample");
      Tensor other = Tensor.full(device, DType.F32, Shape.of(1), 12);
      float[] later = unet.forward(x, other, constant, null).toFloats();
      assertNotEquals(0, distance(expected, later));
    }
  }

  private static Tensor normal(Device device, DType dtype, int stream, int... dims) {
    return Cast.cast(RandomNormal.normal(device, Shape.of(dims), 5, stream), dtype);
  }

  /** ‖a − b‖ / ‖a‖. */
  private static double distance(float[] a, float[] b) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < a.length; i++) {
      difference += (a[i] - b[i]) * (double) (a[i] - b[i]);
      norm += a[i] * (double) a[i];
    }
    return Math.sqrt(difference / norm);
  }
}
