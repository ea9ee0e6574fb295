package nacre.lab.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.nn.AdamW;
import nacre.nn.Ema;
import nacre.nn.Initializer;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Arithmetic;
import nacre.tensor.ops.Cast;
import nacre.tensor.ops.MeanSquaredError;
import nacre.tensor.ops.RandomNormal;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Training with casts made at once, gradients as computed and averages moved by the optimizer is,
 * to the bit, training with a cast at each use, f32 gradients and a pass of its own for averages.
 */
class TrainingBitsTest {
  private static final String CONFIG =
      """
      {"sample_size": 8, "in_channels": 4, "out_channels": 4, "block_out_channels": [8, 16],
       "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
       "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"], "layers_per_block": 1,
       "attention_head_dim": 1, "cross_attention_dim": 8, "norm_num_groups": 4}
      """;

  @ParameterizedTest
  @CsvSource({
    "cpu, F32, FLOAT32, STOCHASTIC",
    "cpu, BF16, BFLOAT16, COMPENSATED",
    "cuda, F32, FLOAT32, STOCHASTIC",
    "cuda, F32, BFLOAT16, STOCHASTIC",
    "cuda, F32, INT8, STOCHASTIC",
    "cuda, BF16, FLOAT32, STOCHASTIC",
    "cuda, BF16, FLOAT32, COMPENSATED"
  })
  void aStepHasTheSameBits(
      String kind, DType stored, AdamW.Moments moments, AdamW.Rounding rounding)
      throws IOException {
    boolean gpu = kind.equals("cuda");
    assumeTrue(!gpu || Settings.ofProcess().cudaSimulator().isPresent(), "no simulated GPU");
    Device device = Device.of(kind);
    AdamW.Config config =
        AdamW.Config.defaults()
            .withMaxNorm(0.5)
            .withMoments(moments)
            .withRounding(rounding)
            .withSeed(7);
    Map<String, float[]> apart = train(device, stored, config, false);
    Map<String, float[]> together = train(device, stored, config, true);
    assertEquals(apart.keySet(), together.keySet());
    assertTrue(apart.size() > 200, apart.keySet().toString());
    apart.forEach((name, values) -> assertArrayEquals(values, together.get(name), name));
  }

  /** Everything that three steps leave, by name. */
  private static Map<String, float[]> train(
      Device device, DType stored, AdamW.Config config, boolean together) throws IOException {
    try (Scope _ = Scope.open()) {
      Parameters parameters = Parameters.create(device, DType.F32, 3).trainedIn(stored);
      UNet2DCondition unet =
          new UNet2DCondition(parameters, UNetConfig.of(new JsonMapper().readTree(CONFIG)));
      Tensor late = parameters.parameter("late", Shape.of(4), Initializer.ones());
      AdamW.Group biases = new AdamW.Group(name -> name.endsWith("bias"), 10, 0);
      AdamW optimizer = new AdamW(parameters.trainable(), config, List.of(biases));
      optimizer.setLearningRate(1e-3);
      Ema ema = new Ema(parameters.all(), 0.9, true);
      Tensor x = normal(device, DType.BF16, 1, 2, 8, 8, 4);
      Tensor context = normal(device, DType.BF16, 2, 2, 5, 8);
      Tensor target = normal(device, DType.F32, 3, 2, 8, 8, 4);
      Tensor timesteps = Tensor.full(device, DType.F32, Shape.of(2), 431);
      for (int step = 0; step < 3; step++) {
        try (Scope _ = Scope.open();
            Tape tape = Tape.open()) {
          if (together) {
            tape.sharingCasts(parameters.trainable().values(), DType.BF16);
          }
          Tensor out = unet.forward(x, timesteps, context);
          if (step == 1) { // its average moves in the third step, too, where it has no gradient
            out = Arithmetic.multiply(out, Cast.cast(late, DType.BF16));
          }
          Tensor loss = MeanSquaredError.meanSquaredError(Cast.cast(out, DType.F32), target);
          ema.begin();
          if (together) {
            optimizer.step(tape.backward(loss)::asComputed, ema);
          } else {
            optimizer.step(tape.backward(loss)::of);
            ema.move();
          }
        }
      }
      Map<String, float[]> left = new TreeMap<>();
      parameters.all().forEach((name, p) -> left.put("weight." + name, p.toFloats()));
      ema.tensors().forEach((name, p) -> left.put("average." + name, p.toFloats()));
      optimizer
          .state()
          .forEach((name, t) -> left.put("state." + name, Cast.cast(t, DType.F32).toFloats()));
      left.put("norm", new float[] {(float) optimizer.gradientNorm()});
      assertTrue(left.get("norm")[0] > 0.5, "clipped");
      return left;
    }
  }

  private static Tensor normal(Device device, DType dtype, int stream, int... dims) {
    return Cast.cast(RandomNormal.normal(device, Shape.of(dims), 5, stream), dtype);
  }
}
