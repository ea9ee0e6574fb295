package nacre.weights;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The conversion between PyTorch's layouts, in which files are written, and the engine's. Nothing
 * else in the project knows the former.
 */
public enum Layout {
  /** The same layout on both sides. */
  SAME(new int[0], new int[0]),

  /**
   * Four axes, channels first on disk and last in memory: convolution weights {@code [O, I, KH,
   * KW]} on disk and {@code [O, KH, KW, I]} in memory, and likewise images {@code [N, C, H, W]} and
   * {@code [N, H, W, C]}.
   */
  CHANNELS(new int[] {0, 2, 3, 1}, new int[] {0, 3, 1, 2});

  private final int[] toMemory;
  private final int[] toDisk;

  Layout(int[] toMemory, int[] toDisk) {
    this.toMemory = toMemory;
    this.toDisk = toDisk;
  }

  /** The layout of a parameter, by its rank: four axes make it the weight of a convolution. */
  public static Layout ofParameter(Shape shape) {
    return shape.rank() == 4 ? CHANNELS : SAME;
  }

  /** The shape on disk of a tensor of shape {@code memory} in memory. */
  public Shape disk(Shape memory) {
    return permuted(memory, toDisk);
  }

  /** The shape in memory of a tensor of shape {@code disk} on disk. */
  public Shape memory(Shape disk) {
    return permuted(disk, toMemory);
  }

  /** Writes {@code disk}, a tensor laid out as on disk, to {@code memory}, of the same dtype. */
  void intoMemory(Tensor disk, Tensor memory) {
    disk.backend().permute(disk, toMemory, memory);
  }

  /** Writes {@code memory} to {@code disk}, a tensor laid out as on disk, of the same dtype. */
  void intoDisk(Tensor memory, Tensor disk) {
    memory.backend().permute(memory, toDisk, disk);
  }

  private Shape permuted(Shape shape, int[] axes) {
    if (this == SAME) {
      return shape;
    }
    if (shape.rank() != axes.length) {
      throw new IllegalArgumentException(
          "layout: " + this + " is for four axes, the shape is " + shape);
    }
    int[] dims = new int[axes.length];
    for (int i = 0; i < axes.length; i++) {
      dims[i] = shape.dim(axes[i]);
    }
    return Shape.of(dims);
  }
}
