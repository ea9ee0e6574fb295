package nacre.tensor.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.NormStatistics;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many threads on one device: each gets the bits that it would get alone. */
@Tag("oracle")
class ConcurrentUseTest {
  private static final int THREADS = 3;
  private static final int ROUNDS = 4;

  @Test
  @Timeout(60)
  void threadsDoNotDisturbEachOther() throws Exception {
    for (Device device : TestDevices.backends()) {
      sameAsAlone(device);
    }
    assertEquals(0, Memory.liveTensors());
  }

  private static void sameAsAlone(Device device) throws Exception {
    List<float[]> alone = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      alone.add(compute(device, t));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      for (int round = 0; round < ROUNDS; round++) {
        List<Future<float[]>> together = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
          int seed = t;
          together.add(threads.submit(() -> compute(device, seed)));
        }
        for (int t = 0; t < THREADS; t++) {
          assertArrayEquals(alone.get(t), together.get(t).get(), device + ", thread " + t);
        }
      }
    }
  }

  /** Convolution, normalization, attention, product, sum, in sizes that differ between threads. */
  private static float[] compute(Device device, int seed) {
    Backend backend = device.backend();
    try (Scope _ = Scope.open()) {
      int side = 12 + seed;
      Tensor x = random(device, seed, 2, side, side, 16);
      Tensor w = random(device, seed + 10, 32, 3, 3, 16);
      Tensor y = Tensor.empty(device, DType.F32, Shape.of(2, side, side, 32));
      backend.conv2d(x, w, null, null, null, Window.of(1, 1), y);
      Tensor gamma = random(device, seed + 20, 32);
      Tensor statistics = Tensor.empty(device, DType.F32, Shape.of(2, 8));
      GroupNormInputs image = new GroupNormInputs(y, gamma, gamma, 8, 1e-5, true);
      backend.groupNorm(image, y.like(), new NormStatistics(statistics, statistics.like()));
      Tensor normal = y.like();
      backend.groupNorm(image, normal, new NormStatistics(statistics, statistics.like()));
      Tensor heads = normal.view(Shape.of(2, side * side, 2, 16));
      Tensor attended = heads.like();
      backend.attention(new AttentionInputs(heads, heads, heads, 0.25, false), attended, null);
      Tensor square = random(device, seed + 30, 32, 32);
      Tensor rows = attended.view(Shape.of(2 * side * side, 32));
      Tensor product = rows.like();
      backend.matmul(rows, false, square, true, gamma, Unary.GELU, product);
      backend.binary(Binary.ADD, product, gamma, product);
      return product.toFloats();
    }
  }

  private static Tensor random(Device device, int seed, int... dims) {
    Shape shape = Shape.of(dims);
    Random random = new Random(seed);
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() / 4;
    }
    return Tensor.of(device, shape, values);
  }
}
