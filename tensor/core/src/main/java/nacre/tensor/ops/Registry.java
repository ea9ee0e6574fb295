package nacre.tensor.ops;

import java.util.List;
import nacre.tensor.Operation;

/**
 * All differentiable operations. The tests check the gradient of each, and that none is missing.
 */
public final class Registry {
  private static final List<Class<? extends Operation>> OPERATIONS =
      List.of(
          Activation.class,
          Affine.class,
          Arithmetic.class,
          Cast.class,
          Concat.class,
          Convolution.class,
          CropResize.class,
          CrossEntropy.class,
          Dropout.class,
          Geglu.class,
          LinearGeglu.class,
          Gather.class,
          GroupNormalization.class,
          LayerNormalization.class,
          Linear.class,
          MatrixProduct.class,
          MeanSquaredError.class,
          Mix.class,
          Pad.class,
          Permute.class,
          Pool.class,
          Reduce.class,
          Resample.class,
          Reshape.class,
          ScaledDotProductAttention.class,
          Slice.class,
          Softmax.class,
          UpsampleConvolution.class,
          Where.class);

  private Registry() {}

  /** The classes, in alphabetical order. */
  public static List<Class<? extends Operation>> operations() {
    return OPERATIONS;
  }
}
