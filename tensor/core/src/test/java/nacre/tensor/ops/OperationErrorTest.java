package nacre.tensor.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What does not fit is refused with the operation's name, what it got, and what it wanted. */
class OperationErrorTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    assertEquals(0, Memory.liveTensors(), "live tensors");
  }

  private static Tensor f32(int... dims) {
    return Tensor.zeros(Device.reference(), DType.F32, Shape.of(dims));
  }

  private static void assertRefused(String message, Executable operation) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, operation).getMessage());
  }

  @Test
  void products() {
    assertRefused(
        "linear: input f32[2, 3]@reference has 3 features, weight f32[5, 4]@reference wants 4",
        () -> Linear.linear(f32(2, 3), f32(5, 4), null));
    assertRefused(
        "linear: bias f32[4]@reference wants [5], as many as weight f32[5, 4]@reference has rows",
        () -> Linear.linear(f32(2, 4), f32(5, 4), f32(4)));
    assertRefused(
        "matmul: left side f32[2, 3]@reference has 3 columns, right side f32[2, 3]@reference has 2"
            + " rows",
        () -> MatrixProduct.matmul(f32(2, 3), f32(2, 3)));
    assertRefused(
        "matmul: leading axes of f32[2, 3, 4]@reference and f32[3, 4, 5]@reference differ; they"
            + " must be equal, or the right side of rank 2",
        () -> MatrixProduct.matmul(f32(2, 3, 4), f32(3, 4, 5)));
    assertRefused(
        "attention: query f32[1, 2, 3, 4]@reference and key f32[1, 2, 3, 5]@reference may differ"
            + " only in the second axis of [N, T, heads, D]",
        () ->
            ScaledDotProductAttention.attention(f32(1, 2, 3, 4), f32(1, 2, 3, 5), f32(1, 2, 3, 5)));
  }

  @Test
  void convolutions() {
    assertRefused(
        "conv2d: input f32[2, 6, 6, 4]@reference has 4 channels, weight f32[3, 3, 3, 8]@reference"
            + " wants 8",
        () -> Convolution.conv2d(f32(2, 6, 6, 4), f32(3, 3, 3, 8), null, Window.of(1, 1)));
    assertRefused(
        "conv2d: input f32[6, 6, 4]@reference has rank 3, wants [N, H, W, I]",
        () -> Convolution.conv2d(f32(6, 6, 4), f32(3, 3, 3, 4), null, Window.of(1, 1)));
    assertRefused(
        "conv2d: residual f32[1, 6, 6, 4]@reference wants [1, 6, 6, 3], the output's shape, or [1,"
            + " 1, 1, 3]",
        () ->
            Convolution.conv2d(
                f32(1, 6, 6, 4), f32(3, 3, 3, 4), null, f32(1, 6, 6, 4), Window.of(1, 1)));
    assertThrows(
        IllegalArgumentException.class,
        () -> Convolution.conv2d(f32(1, 2, 2, 4), f32(3, 3, 3, 4), null, Window.of(1, 0)));
  }

  @Test
  void normalizations() {
    assertRefused(
        "groupNorm: input f32[1, 2, 6]@reference has 6 channels, which do not fall into 4 groups",
        () -> GroupNormalization.groupNorm(f32(1, 2, 6), f32(6), f32(6), 4, 1e-5));
    assertRefused(
        "layerNorm: beta f32[5]@reference wants [6], the last axis of input f32[2, 6]@reference",
        () -> LayerNormalization.layerNorm(f32(2, 6), f32(6), f32(5), 1e-5));
  }

  @Test
  void dtypesAndDevices() {
    Tensor half = Tensor.zeros(Device.reference(), DType.BF16, Shape.of(2));
    Tensor whole = Tensor.ofInts(Device.reference(), Shape.of(2), 1, 2);
    assertRefused(
        "add: dtypes differ: f32[2]@reference and bf16[2]@reference; cast one of them",
        () -> Arithmetic.add(f32(2), half));
    assertRefused(
        "silu: i32[2]@reference is not floating-point; cast it first",
        () -> Activation.silu(whole));
    Device other = TestDevices.over("other", Device.reference().backend());
    assertRefused(
        "add: f32[2]@reference and f32[2]@other lie on different devices; move one with to()",
        () -> Arithmetic.add(f32(2), Tensor.zeros(other, DType.F32, Shape.of(2))));
    assertRefused(
        "gather: indices f32[2]@reference want dtype i32 or i64",
        () -> Gather.gather(f32(3, 4), f32(2)));
  }

  @Test
  void elementwise() {
    assertRefused(
        "multiply: shapes [2, 3] and [2] do not broadcast: 3 against 2",
        () -> Arithmetic.multiply(f32(2, 3), f32(2)));
    assertRefused(
        "mix: shapes of f32[2, 3]@reference and f32[3]@reference must be equal",
        () -> Mix.mix(f32(2, 3), 1, f32(3), 1));
    assertRefused(
        "geglu: input f32[2, 3]@reference has 3 features, wants an even number",
        () -> Geglu.geglu(f32(2, 3)));
    assertRefused(
        "meanSquaredError: shapes of f32[2]@reference and f32[1]@reference must be equal",
        () -> MeanSquaredError.meanSquaredError(f32(2), f32(1)));
  }

  @Test
  void movements() {
    assertRefused(
        "sum: axis 2 is not one of f32[2, 3]@reference, which has rank 2",
        () -> Reduce.sum(f32(2, 3), 2));
    assertRefused(
        "concat: f32[2, 3]@reference and f32[3, 3]@reference may differ only in axis 1",
        () -> Concat.concat(-1, f32(2, 3), f32(3, 3)));
    assertRefused(
        "slice: 3 from 1 is not within axis 1 of f32[2, 3]@reference",
        () -> Slice.slice(f32(2, 3), 1, 1, 3));
    assertRefused(
        "split: parts [1, 1] add up to 2, axis 1 of f32[2, 3]@reference has 3",
        () -> Slice.split(f32(2, 3), 1, 1, 1));
    assertRefused(
        "pad: f32[2, 3]@reference wants 2 counts not below zero on each side, not [1] and [0, 0]",
        () -> Pad.pad(f32(2, 3), new int[] {1}, new int[2]));
    assertRefused(
        "permute: [0, 0] does not name each axis of f32[2, 3]@reference once",
        () -> Permute.permute(f32(2, 3), 0, 0));
    assertRefused(
        "reshape: f32[2, 3]@reference with its 6 elements does not fit [4, -1]",
        () -> Reshape.reshape(f32(2, 3), 4, -1));
    assertThrows(IllegalArgumentException.class, () -> Reshape.reshape(f32(2, 3), -1, -1));
    assertThrows(IllegalArgumentException.class, () -> Reshape.reshape(f32(2, 3), -2, 3));
  }

  @Test
  void resamplings() {
    assertRefused(
        "averagePool: height and width of f32[1, 3, 4, 1]@reference are not multiples of 2",
        () -> Resample.averagePool(f32(1, 3, 4, 1), 2));
    assertRefused(
        "cropResize: boxes f32[2, 1, 4]@reference want f32[1, R, 4] for input f32[1, 3, 4,"
            + " 1]@reference",
        () -> CropResize.cropResize(f32(1, 3, 4, 1), f32(2, 1, 4), 2, 2));
    assertThrows(
        IllegalArgumentException.class,
        () -> CropResize.cropResize(f32(1, 3, 4, 1), f32(1, 1, 4).track(), 2, 2));
    assertRefused(
        "sinusoids: dim 3 is not a positive even number",
        () -> Sinusoids.sinusoids(f32(2), 3, true, 0, 10000));
    assertThrows(
        IllegalArgumentException.class, () -> Sinusoids.sinusoids(f32(2), 2, true, 1, 10000));
  }
}
