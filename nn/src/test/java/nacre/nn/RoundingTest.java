package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** AdamW on parameters in bf16, beside the same in f32 and beside rounding to nearest. */
class RoundingTest {
  private static final Device CPU = Device.cpu();
  private static final int COUNT = 3000;
  private static final int STEPS = 100;
  private static final double RATE = 3e-4; // far less than bf16 resolves at 1

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /** What a run does after each step to a parameter in f32. */
  private interface Loss {
    void after(Tensor parameter);
  }

  private static float[] start() {
    Random random = new Random(4);
    float[] values = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      int bits = Float.floatToRawIntBits((float) random.nextGaussian()) & 0xffff0000;
      values[i] = Float.intBitsToFloat(bits); // all start at the same numbers
    }
    return values;
  }

  /** Follows gradients that each step draws anew around a fixed direction. */
  private static float[] run(DType type, AdamW.Rounding rounding, long seed, Loss loss) {
    try (Scope _ = Scope.open()) {
      Tensor wide = Tensor.of(CPU, Shape.of(COUNT), start());
      Tensor parameter = Tensor.empty(CPU, type, wide.shape());
      CPU.backend().cast(wide, parameter);
      AdamW.Config config = AdamW.Config.defaults().withRounding(rounding).withSeed(seed);
      AdamW optimizer = new AdamW(Map.of("p", parameter), config);
      optimizer.setLearningRate(RATE);
      Random random = new Random(5);
      for (int step = 0; step < STEPS; step++) {
        float[] slopes = new float[COUNT];
        for (int i = 0; i < COUNT; i++) {
          slopes[i] = (float) ((i % 3 - 1) + random.nextGaussian());
        }
        Tensor gradient = Tensor.of(CPU, wide.shape(), slopes);
        optimizer.step(_ -> gradient);
        loss.after(parameter);
      }
      return parameter.toFloats();
    }
  }

  private static double distance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < COUNT; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(sum / COUNT);
  }

  @Test
  void compensationFollowsF32CloserThanChanceAndChanceCloserThanNearest() {
    float[] exact = run(DType.F32, AdamW.Rounding.STOCHASTIC, 0, _ -> {});
    float[] nearest =
        run(
            DType.F32,
            AdamW.Rounding.STOCHASTIC,
            0,
            parameter -> {
              try (Scope _ = Scope.open()) {
                Tensor narrow = Tensor.empty(CPU, DType.BF16, parameter.shape());
                CPU.backend().cast(parameter, narrow);
                CPU.backend().cast(narrow, parameter);
              }
            });
    double compensated = distance(exact, run(DType.BF16, AdamW.Rounding.COMPENSATED, 0, _ -> {}));
    double chance = distance(exact, run(DType.BF16, AdamW.Rounding.STOCHASTIC, 0, _ -> {}));
    double plain = distance(exact, nearest);
    assertTrue(compensated < 0.5 * chance, compensated + " and " + chance);
    assertTrue(chance < plain, chance + " and " + plain);
  }

  @Test
  void chanceIsOfTheSeed() {
    float[] one = run(DType.BF16, AdamW.Rounding.STOCHASTIC, 1, _ -> {});
    assertArrayEquals(one, run(DType.BF16, AdamW.Rounding.STOCHASTIC, 1, _ -> {}));
    assertFalse(Arrays.equals(one, run(DType.BF16, AdamW.Rounding.STOCHASTIC, 2, _ -> {})));
  }

  @Test
  void descentWithoutRoundingRefusesThem() {
    try (Scope _ = Scope.open()) {
      Tensor narrow = Tensor.zeros(CPU, DType.BF16, Shape.of(2));
      assertThrows(IllegalArgumentException.class, () -> new Sgd(Map.of("p", narrow), 1));
    }
  }
}
