package nacre.tensor.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Operation;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Outputs worked out by hand, where an error in the operation and not in the backend would show.
 */
@Tag("backend")
class OperationTest {
  private static final float TOLERANCE = 1e-5f;
  private Scope scope;

  static Stream<Device> devices() {
    return TestDevices.underTest().stream();
  }

  @BeforeEach
  void open() {
    Memory.poisonNewTensors(true);
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors(), "live tensors");
    assertEquals(0, Memory.liveBytes(), "live bytes");
  }

  private static void assertTensor(Tensor actual, Shape shape, float... expected) {
    assertEquals(shape, actual.shape());
    assertArrayEquals(expected, actual.toFloats(), TOLERANCE);
  }

  private static Tensor count(Device device, int... dims) {
    Shape shape = Shape.of(dims);
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    return Tensor.of(device, shape, values);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void linearMultipliesByTheTransposedWeight(Device device) {
    Tensor x = Tensor.of(device, Shape.of(2, 2), 1, 2, 3, 4);
    Tensor w = Tensor.of(device, Shape.of(3, 2), 1, 0, 0, 1, 1, 1);
    Tensor bias = Tensor.of(device, Shape.of(3), 10, 20, -30);
    assertTensor(Linear.linear(x, w, null), Shape.of(2, 3), 1, 2, 3, 3, 4, 7);
    assertTensor(Linear.linear(x, w, bias), Shape.of(2, 3), 11, 22, -27, 13, 24, -23);
    Tensor relu = Linear.linear(x, w, bias, Unary.RELU);
    assertTensor(relu, Shape.of(2, 3), 11, 22, 0, 13, 24, 0);
    Tensor vector = Tensor.of(device, Shape.of(2), 3, 4);
    assertTensor(Linear.linear(vector, w, bias), Shape.of(3), 13, 24, -23);
  }

  /** As PyTorch has them; that of minus infinity is not a number for most. */
  @ParameterizedTest
  @MethodSource("devices")
  void activationsOfInfinity(Device device) {
    float infinity = Float.POSITIVE_INFINITY;
    Tensor x = Tensor.full(device, DType.F32, Shape.of(19), infinity);
    for (Unary f : List.of(Unary.SILU, Unary.GELU, Unary.GELU_TANH, Unary.QUICK_GELU, Unary.RELU)) {
      for (float y : Activation.activation(f, x).toFloats()) {
        assertEquals(infinity, y, f + " on " + device);
      }
    }
    for (Unary f : List.of(Unary.SIGMOID, Unary.TANH)) {
      for (float y : Activation.activation(f, x).toFloats()) {
        assertEquals(1, y, f + " on " + device);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void matmulTransposesEitherSide(Device device) {
    Tensor a = Tensor.of(device, Shape.of(2, 3), 1, 2, 3, 4, 5, 6);
    Tensor b = Tensor.of(device, Shape.of(2, 3), 1, 0, 1, 0, 2, 0);
    assertTensor(MatrixProduct.matmul(a, false, b, true), Shape.of(2, 2), 4, 4, 10, 10);
    assertTensor(
        MatrixProduct.matmul(a, true, b, false),
        Shape.of(3, 3),
        new float[] {1, 8, 1, 2, 10, 2, 3, 12, 3});
  }

  @ParameterizedTest
  @MethodSource("devices")
  void convolutionAddsBiasAndResidual(Device device) {
    Tensor x = count(device, 1, 3, 3, 1);
    Tensor w = Tensor.full(device, DType.F32, Shape.of(1, 2, 2, 1), 1);
    Tensor bias = Tensor.of(device, Shape.of(1), 100);
    Tensor residual = Tensor.of(device, Shape.of(1, 2, 2, 1), 1, 2, 3, 4);
    Tensor y = Convolution.conv2d(x, w, bias, residual, Window.of(1, 0));
    assertTensor(y, Shape.of(1, 2, 2, 1), 109, 114, 123, 128);
    Tensor below = Convolution.conv2d(x, w, null, new Window(2, 0, 0, 1, 1));
    assertTensor(below, Shape.of(1, 2, 2, 1), 8, 7, 13, 8);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void attentionScalesByTheRootOfTheHeadSize(Device device) {
    Tensor q = Tensor.of(device, Shape.of(1, 1, 1, 4), 2, 0, 0, 0);
    Tensor k = Tensor.of(device, Shape.of(1, 2, 1, 4), 1, 0, 0, 0, 0, 0, 0, 0);
    Tensor v = Tensor.of(device, Shape.of(1, 2, 1, 4), 1, 1, 1, 1, 0, 0, 0, 2);
    float first = (float) (Math.E / (Math.E + 1)); // score 2 · 1 / √4 against 0
    Tensor y = ScaledDotProductAttention.attention(q, k, v);
    assertTensor(y, Shape.of(1, 1, 1, 4), first, first, first, first + 2 * (1 - first));
  }

  @ParameterizedTest
  @MethodSource("devices")
  void normsNormalize(Device device) {
    Tensor x = Tensor.of(device, Shape.of(1, 2, 4), 1, 3, 0, 0, 3, 1, 4, 0);
    Tensor gamma = Tensor.of(device, Shape.of(4), 1, 2, 1, 1);
    Tensor beta = Tensor.of(device, Shape.of(4), 0, 10, 0, 0);
    float r = (float) (1 / Math.sqrt(3)); // the second group is 0 0 4 0
    assertTensor(
        GroupNormalization.groupNorm(x, gamma, beta, 2, 0),
        Shape.of(1, 2, 4),
        new float[] {-1, 12, -r, -r, 1, 8, 3 * r, -r});
    assertEquals(
        1 / (1 + Math.exp(-1)),
        GroupNormalization.groupNormSilu(x, gamma, beta, 2, 0).toFloats()[4],
        TOLERANCE);
    float s = (float) Math.sqrt(1.5); // the first row is 1 3 0 0, of variance 1.5
    assertTensor(
        Slice.slice(LayerNormalization.layerNorm(x, gamma, beta, 0), 1, 0, 1),
        Shape.of(1, 1, 4),
        new float[] {0, 10 + 4 / s, -1 / s, -1 / s});
  }

  @ParameterizedTest
  @MethodSource("devices")
  void gateIsTheSecondHalf(Device device) {
    Tensor x = Tensor.of(device, Shape.of(1, 4), 2, 3, 0, 100);
    assertTensor(Geglu.geglu(x), Shape.of(1, 2), 0, 300);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void arithmeticBroadcasts(Device device) {
    Tensor a = Tensor.of(device, Shape.of(2, 1), 6, 12);
    Tensor b = Tensor.of(device, Shape.of(3), 1, 2, 3);
    assertTensor(Arithmetic.add(a, b), Shape.of(2, 3), 7, 8, 9, 13, 14, 15);
    assertTensor(Arithmetic.subtract(a, b), Shape.of(2, 3), 5, 4, 3, 11, 10, 9);
    assertTensor(Arithmetic.multiply(a, b), Shape.of(2, 3), 6, 12, 18, 12, 24, 36);
    assertTensor(Arithmetic.divide(a, b), Shape.of(2, 3), 6, 3, 2, 12, 6, 4);
    assertTensor(Affine.affine(b, 2, -1), Shape.of(3), 1, 3, 5);
    assertTensor(Mix.mix(b, 2, b, -0.5), Shape.of(3), 1.5f, 3, 4.5f);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void reductionsKeepTheirAxes(Device device) {
    Tensor x = count(device, 2, 3);
    assertTensor(Reduce.sum(x), Shape.of(), 15);
    assertTensor(Reduce.mean(x), Shape.of(), 2.5f);
    assertTensor(Reduce.sum(x, 0), Shape.of(1, 3), 3, 5, 7);
    assertTensor(Reduce.mean(x, -1), Shape.of(2, 1), 1, 4);
    assertTensor(Reduce.sum(x, 1, 0), Shape.of(1, 1), 15);
    Tensor half = Cast.cast(x, DType.BF16);
    Tensor loss = MeanSquaredError.meanSquaredError(half, Affine.affine(half, 1, 2));
    assertTensor(loss, Shape.of(), 4);
    assertEquals(DType.F32, loss.dtype());
  }

  @ParameterizedTest
  @MethodSource("devices")
  void movementMoves(Device device) {
    Tensor x = count(device, 2, 3);
    Tensor y = Tensor.of(device, Shape.of(2, 1), 8, 9);
    assertTensor(Concat.concat(-1, x, y), Shape.of(2, 4), 0, 1, 2, 8, 3, 4, 5, 9);
    assertTensor(Slice.slice(x, 1, 1, 2), Shape.of(2, 2), 1, 2, 4, 5);
    Tensor[] parts = Slice.split(x, -1, 1, 2);
    assertTensor(parts[0], Shape.of(2, 1), 0, 3);
    assertTensor(parts[1], Shape.of(2, 2), 1, 2, 4, 5);
    assertTensor(
        Pad.pad(x, new int[] {1, 0}, new int[] {0, 1}),
        Shape.of(3, 4),
        new float[] {0, 0, 0, 0, 0, 1, 2, 0, 3, 4, 5, 0});
    assertTensor(Permute.permute(x, 1, 0), Shape.of(3, 2), 0, 3, 1, 4, 2, 5);
    assertTensor(Reshape.reshape(x, -1, 2), Shape.of(3, 2), 0, 1, 2, 3, 4, 5);
    assertEquals(x.address(), Reshape.reshape(x, 6).address(), "a copy was made");
    assertTensor(Reshape.reshape(y, 1, 2, -1, 1), Shape.of(1, 2, 1, 1), 8, 9);
    Tensor rows = Tensor.ofInts(device, Shape.of(1, 2), 1, 0);
    assertTensor(Gather.gather(x, rows), Shape.of(1, 2, 3), 3, 4, 5, 0, 1, 2);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void movementTakesIntegers(Device device) {
    Tensor x = Tensor.ofInts(device, Shape.of(2, 2), 1, 2, 3, 4);
    Tensor joined = Concat.concat(0, x, Permute.permute(x, 1, 0));
    assertEquals(DType.I32, joined.dtype());
    assertTensor(joined, Shape.of(4, 2), 1, 2, 3, 4, 1, 3, 2, 4);
    Tensor padded = Pad.pad(Slice.slice(x, 0, 1, 1), new int[] {1, 0}, new int[2]);
    assertTensor(padded, Shape.of(2, 2), 0, 0, 3, 4);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void theLargestOfEachWindowIsKept(Device device) {
    Tensor x =
        Tensor.of(
            device,
            Shape.of(1, 3, 5, 1),
            new float[] {1, -2, 3, 0, 9, -4, 5, -6, 7, 9, -1, -1, 8, -3, 9});
    assertTensor(Pool.maxPool(x, 2, 2), Shape.of(1, 1, 2, 1), 5, 7);
    assertTensor(Pool.maxPool(x, 3, 2), Shape.of(1, 1, 2, 1), 8, 9);
    assertTensor(Pool.maxPool(x, 2, 1), Shape.of(1, 2, 4, 1), 5, 5, 7, 9, 5, 8, 8, 9);
    var e = assertThrows(IllegalArgumentException.class, () -> Pool.maxPool(x, 4, 2));
    assertTrue(e.getMessage().startsWith("maxPool: windows of 4 with stride 2"), e.getMessage());
    Window around = Window.of(2, 1);
    assertTensor(Pool.maxPool(x, 3, around), Shape.of(1, 2, 3, 1), 5, 7, 9, 5, 8, 9);
    Tensor means = Pool.averagePool(Tensor.full(device, DType.F32, x.shape(), 2.5), 3, around);
    assertTensor(means, Shape.of(1, 2, 3, 1), 2.5f, 2.5f, 2.5f, 2.5f, 2.5f, 2.5f);
    e = assertThrows(IllegalArgumentException.class, () -> Pool.maxPool(x, 2, Window.of(1, 2)));
    assertEquals("maxPool: padding of 2 leaves nothing in a window of 2", e.getMessage());
  }

  @ParameterizedTest
  @MethodSource("devices")
  void blocksBecomeChannelsRowByRow(Device device) {
    Tensor x = count(device, 1, 2, 4, 2);
    Tensor y = SpaceToDepth.spaceToDepth(x, 2);
    assertTensor(
        y,
        Shape.of(1, 1, 2, 8),
        new float[] {0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15});
    assertArrayEquals(x.toFloats(), SpaceToDepth.depthToSpace(y, 2).toFloats());
  }

  @ParameterizedTest
  @MethodSource("devices")
  void imagesAreResampled(Device device) {
    Tensor x = Tensor.of(device, Shape.of(1, 2, 2, 1), 0, 4, 8, 12);
    assertTensor(Resample.averagePool(x, 2), Shape.of(1, 1, 1, 1), 6);
    assertTensor(CropResize.resize(x, 1, 1), Shape.of(1, 1, 1, 1), 6);
    assertTensor(
        CropResize.resize(x, 2, 4), Shape.of(1, 2, 4, 1), new float[] {0, 1, 3, 4, 8, 9, 11, 12});
    assertTensor(
        Slice.slice(Resample.upsampleNearest(x, 2), 1, 1, 1),
        Shape.of(1, 1, 4, 1),
        new float[] {0, 0, 4, 4});
    Tensor lowerLeft = Tensor.of(device, Shape.of(1, 1, 4), 0.5f, 0, 1, 0.5f);
    assertTensor(CropResize.cropResize(x, lowerLeft, 1, 1), Shape.of(1, 1, 1, 1, 1), 8);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void timestepsBecomeSinusoids(Device device) {
    Tensor t = Tensor.of(device, Shape.of(2), 0, 100);
    float slow = (float) Math.sin(1);
    float fast = (float) Math.sin(100);
    Tensor y = Sinusoids.sinusoids(t, 4, false, 0, 10000);
    assertEquals(Shape.of(2, 4), y.shape());
    assertEquals(1, y.toFloats()[2], TOLERANCE);
    assertEquals(fast, y.toFloats()[4], 1e-4f);
    assertEquals(slow, y.toFloats()[5], TOLERANCE);
    Tensor flipped = Sinusoids.sinusoids(t, 4, true, 0, 10000);
    assertEquals(slow, flipped.toFloats()[7], TOLERANCE);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void randomNumbersFollowTheirSeed(Device device) {
    Shape shape = Shape.of(101);
    float[] first = RandomNormal.normal(device, shape, 7, 0).toFloats();
    assertArrayEquals(first, RandomNormal.normal(device, shape, 7, 0).toFloats());
    assertFalse(first[5] == RandomNormal.normal(device, shape, 8, 0).toFloats()[5]);
    assertFalse(first[5] == RandomNormal.normal(device, shape, 7, 1).toFloats()[5]);
    for (float u : RandomNormal.uniform(device, shape, 7, 0).toFloats()) {
      assertTrue(u > 0 && u <= 1, () -> u + " is not in (0, 1]");
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void castsEndOrCarryTheFlowOfGradients(Device device) {
    Tensor x = Tensor.of(device, Shape.of(2), 1.5f, -3).track();
    try (Tape tape = Tape.open()) {
      assertFalse(Cast.cast(x, DType.I32).tracked());
      Tensor half = Cast.cast(x, DType.BF16);
      assertEquals(DType.BF16, half.dtype());
      Gradients gradients = tape.backward(Reduce.sum(Activation.square(half)));
      assertEquals(DType.F32, gradients.of(x).dtype());
      assertTensor(gradients.of(x), Shape.of(2), 3, -6);
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void indicesAndBoxesHaveNoGradient(Device device) {
    Tensor table = count(device, 3, 2).track();
    Tensor rows = Tensor.ofInts(device, Shape.of(1), 2);
    try (Tape tape = Tape.open()) {
      Tensor y = Gather.gather(table, rows);
      Gradients gradients = tape.backward(Map.of(y, Tensor.full(device, DType.F32, y.shape(), 1)));
      assertNull(gradients.of(rows));
      assertTensor(gradients.of(table), Shape.of(3, 2), 0, 0, 0, 0, 1, 1);
    }
  }

  /** Inference keeps nothing beside the results: no statistics, pre-activations, staging, views. */
  @ParameterizedTest
  @MethodSource("devices")
  void inferenceKeepsNothingButTheResult(Device device) {
    Tensor image = count(device, 1, 4, 4, 4);
    Tensor channels = count(device, 4);
    Tensor square = count(device, 4, 4);
    Tensor heads = count(device, 1, 4, 2, 2);
    assertOneMore(() -> Linear.linear(image, square, channels, Unary.SILU));
    assertOneMore(() -> MatrixProduct.matmul(square, square));
    assertOneMore(() -> ScaledDotProductAttention.attention(heads, heads, heads));
    assertOneMore(() -> GroupNormalization.groupNormSilu(image, channels, channels, 2, 1e-5));
    assertOneMore(() -> LayerNormalization.layerNorm(image, channels, channels, 1e-5));
    assertOneMore(() -> Arithmetic.divide(image, channels));
    assertOneMore(() -> CropResize.resize(image, 3, 3));
    assertOneMore(() -> SpaceToDepth.spaceToDepth(image, 2));
    assertOneMore(() -> Pool.maxPool(image, 2, 2));
    assertOneMore(() -> Concat.concat(0, image, image));
  }

  private static void assertOneMore(Supplier<Tensor> operation) {
    long before = Memory.liveTensors();
    try (Tensor y = operation.get()) {
      assertEquals(before + 1, Memory.liveTensors(), () -> "live tensors with " + y);
    }
    assertEquals(before, Memory.liveTensors(), "live tensors when the result is closed");
  }

  /** Keeps its input and then fails, on the way there or on the way back. */
  record Failing(boolean forward) implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      context.save(in[0]);
      if (forward) {
        throw new IllegalStateException("forward");
      }
      return in[0].like();
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      throw new IllegalStateException("backward");
    }
  }

  @Test
  void aFailureLeavesNothingBehind() {
    Tensor x = count(Device.reference(), 3).track();
    try (Tape tape = Tape.open()) {
      assertThrows(IllegalStateException.class, () -> Operation.apply(new Failing(true), x));
      Tensor y = Operation.apply(new Failing(false), Activation.square(x));
      assertThrows(IllegalStateException.class, () -> tape.backward(Map.of(y, y)));
    }
    // That memory is given back is checked after each test.
  }
}
