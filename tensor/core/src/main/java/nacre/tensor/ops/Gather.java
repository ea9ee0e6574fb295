package nacre.tensor.ops;

import java.util.Arrays;
import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Rows of a table by index: an embedding. Inputs: table, indices.
 *
 * @param table shape of the table
 */
public record Gather(Shape table) implements Operation {

  /**
   * table {@code [V, D]}, indices {@code [..]} → {@code [.., D]}.
   *
   * @param indices i32 or i64, each in 0 to V − 1
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   * @throws IndexOutOfBoundsException if an index is not one of a row; of a GPU, whoever next reads
   *     numbers from it is told
   */
  public static Tensor gather(Tensor table, Tensor indices) {
    Require.floating("gather", table);
    Require.rank("gather", "table", table, 2, "[V, D]");
    Require.sameDevice("gather", table, indices);
    if (indices.dtype() != DType.I32 && indices.dtype() != DType.I64) {
      throw new IllegalArgumentException(
          "gather: indices " + indices.describe() + " want dtype i32 or i64");
    }
    return Operation.apply(new Gather(table.shape()), table, indices);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Shape indices = in[1].shape();
    int[] extents = Arrays.copyOf(indices.toArray(), indices.rank() + 1);
    extents[indices.rank()] = table.dim(1);
    Tensor y = in[0].like(Shape.of(extents));
    in[0].backend().gather(in[0], in[1], y);
    context.save(in[1]);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dtable = dy.like(table);
    dy.backend().gatherBackward(context.saved(0), dy, dtable);
    return new Tensor[] {dtable, null};
  }
}
