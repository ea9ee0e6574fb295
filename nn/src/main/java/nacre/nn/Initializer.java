package nacre.nn;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;

/** An initializer of parameters. Fans follow PyTorch: axis 0 is the output axis. */
public sealed interface Initializer {

  /**
   * Writes an f32 parameter; the values are a function of seed, stream and shape alone.
   *
   * @param stream a number of the parameter's own
   */
  void fill(Tensor parameter, long seed, long stream);

  /** Every element {@code value}. */
  record Constant(double value) implements Initializer {
    @Override
    public void fill(Tensor parameter, long seed, long stream) {
      parameter.backend().fill(parameter, value);
    }
  }

  /** Normal with mean 0. */
  record Normal(double standardDeviation) implements Initializer {
    @Override
    public void fill(Tensor parameter, long seed, long stream) {
      Backend backend = parameter.backend();
      backend.normal(seed, stream, parameter);
      backend.affine(parameter, standardDeviation, 0, parameter);
    }
  }

  /** Uniform in (−bound, bound]. */
  record Uniform(double bound) implements Initializer {
    @Override
    public void fill(Tensor parameter, long seed, long stream) {
      Backend backend = parameter.backend();
      backend.uniform(seed, stream, parameter);
      backend.affine(parameter, 2 * bound, -bound, parameter);
    }
  }

  /**
   * PyTorch's default for the weights of linear layers and convolutions: {@code
   * kaiming_uniform_(a=√5)}, which is uniform within ±1/√(inputs per output).
   */
  record KaimingUniform() implements Initializer {
    @Override
    public void fill(Tensor parameter, long seed, long stream) {
      new Uniform(1 / Math.sqrt(fanIn(parameter.shape()))).fill(parameter, seed, stream);
    }
  }

  /**
   * MAE's fixed position embeddings of a square grid of patches, {@code [1, 1 + grid², C]}: zero
   * for the class token; for a patch a quarter of the channels each for the sines and cosines of
   * its column, then of its row, at frequencies from 1 down to 1/10000 (exclusive).
   */
  record SineCosine(int grid) implements Initializer {
    @Override
    public void fill(Tensor parameter, long seed, long stream) {
      int width = parameter.dim(2);
      int quarter = width / 4;
      float[] values = new float[(1 + grid * grid) * width];
      for (int patch = 0; patch < grid * grid; patch++) {
        int at = (1 + patch) * width;
        for (int k = 0; k < quarter; k++) {
          double frequency = Math.pow(10000, -(double) k / quarter);
          double across = patch % grid * frequency;
          double down = patch / grid * frequency;
          values[at + k] = (float) Math.sin(across);
          values[at + quarter + k] = (float) Math.cos(across);
          values[at + 2 * quarter + k] = (float) Math.sin(down);
          values[at + 3 * quarter + k] = (float) Math.cos(down);
        }
      }
      parameter.copyFrom(values);
    }
  }

  /** {@link KaimingUniform}. */
  static Initializer kaimingUniform() {
    return new KaimingUniform();
  }

  /** PyTorch's default for the bias beside a weight with {@code fanIn} inputs per output. */
  static Initializer bias(long fanIn) {
    return new Uniform(1 / Math.sqrt(fanIn));
  }

  /** Every element 0. */
  static Initializer zeros() {
    return new Constant(0);
  }

  /** Every element 1. */
  static Initializer ones() {
    return new Constant(1);
  }

  /** Normal with mean 0. */
  static Initializer normal(double standardDeviation) {
    return new Normal(standardDeviation);
  }

  private static long fanIn(Shape shape) {
    return shape.elements(1, shape.rank());
  }
}
