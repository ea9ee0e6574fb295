package nacre.nn;

import static nacre.tensor.ops.Gather.gather;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * An embedding: a table of vectors, looked up by index. Parameter {@code weight [count, width]}.
 */
public final class Embedding implements Layer {
  private final Tensor weight;

  /** Initialized as PyTorch does, from the standard normal distribution. */
  public Embedding(Parameters p, int count, int width) {
    Sizes.of("Embedding", p).positive("count", count).positive("width", width);
    this.weight = p.parameter("weight", Shape.of(count, width), Initializer.normal(1));
  }

  /**
   * {@code indices [..] (i32 or i64) → [.., width]}, of the table's dtype.
   *
   * @throws IndexOutOfBoundsException if an index is not one of the table's rows; of a GPU, when
   *     numbers are next read from it
   */
  @Override
  public Tensor forward(Tensor indices) {
    return gather(weight, indices);
  }

  /** The table {@code [count, width]}. */
  public Tensor weight() {
    return weight;
  }
}
