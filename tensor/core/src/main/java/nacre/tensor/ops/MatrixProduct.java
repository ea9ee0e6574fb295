package nacre.tensor.ops;

import java.util.Arrays;
import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The matrix product over the last two axes. Inputs: a, b.
 *
 * @param transposeA the stored a is {@code [.., K, M]}
 * @param transposeB the stored b is {@code [.., N, K]}
 * @param shapeA the stored a's shape
 * @param shapeB the stored b's shape
 */
public record MatrixProduct(boolean transposeA, boolean transposeB, Shape shapeA, Shape shapeB)
    implements Operation {

  /** a {@code [.., M, K]}, b {@code [.., K, N]} → {@code [.., M, N]}. */
  public static Tensor matmul(Tensor a, Tensor b) {
    return matmul(a, false, b, false);
  }

  /**
   * a {@code [.., M, K]}, b {@code [.., K, N]} → {@code [.., M, N]}. Leading axes are equal, or b
   * has rank 2 and serves all.
   *
   * @param transposeA a is stored as {@code [.., K, M]}
   * @param transposeB b is stored as {@code [.., N, K]}
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB) {
    Require.alike("matmul", a, b);
    Require.atLeast("matmul", "left side", a, 2, "[.., M, K]");
    Require.atLeast("matmul", "right side", b, 2, "[.., K, N]");
    int inner = a.dim(transposeA ? -2 : -1);
    int wanted = b.dim(transposeB ? -1 : -2);
    if (inner != wanted) {
      throw new IllegalArgumentException(
          "matmul: left side "
              + a.describe()
              + (transposeA ? " transposed" : "")
              + " has "
              + inner
              + " columns, right side "
              + b.describe()
              + (transposeB ? " transposed" : "")
              + " has "
              + wanted
              + " rows");
    }
    if (b.shape().rank() != 2 && !Arrays.equals(leading(a), leading(b))) {
      throw new IllegalArgumentException(
          "matmul: leading axes of "
              + a.describe()
              + " and "
              + b.describe()
              + " differ; they must be equal, or the right side of rank 2");
    }
    return Operation.apply(new MatrixProduct(transposeA, transposeB, a.shape(), b.shape()), a, b);
  }

  private static int[] leading(Tensor t) {
    return Arrays.copyOf(t.shape().toArray(), t.shape().rank() - 2);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor a = in[0];
    Tensor b = in[1];
    int rows = a.dim(transposeA ? -1 : -2);
    int columns = b.dim(transposeB ? -2 : -1);
    Tensor y = a.like(a.shape().with(-2, rows).with(-1, columns));
    a.backend().matmul(a, transposeA, b, transposeB, null, null, y);
    context.save(context.needs(1) ? a : null, context.needs(0) ? b : null);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    boolean shared = shapeB.rank() == 2 && shapeA.rank() > 2;
    Tensor da = null;
    Tensor db = null;
    if (context.needs(0)) {
      da = shared ? sharedLeft(context.saved(1), dy) : left(context.saved(1), dy);
    }
    if (context.needs(1)) {
      Tensor a = context.saved(0);
      db =
          shared
              ? right(flatten(transposeA ? swapLast(a) : a), false, flatten(dy))
              : right(a, transposeA, dy);
    }
    return new Tensor[] {da, db};
  }

  private Tensor left(Tensor b, Tensor dy) {
    Tensor da = dy.like(shapeA);
    if (transposeA) {
      dy.backend().matmul(b, transposeB, dy, true, null, null, da);
    } else {
      dy.backend().matmul(dy, false, b, !transposeB, null, null, da);
    }
    return da;
  }

  /**
   * One b for many: it may only stand on the right, so a transposed result is turned afterwards.
   */
  private Tensor sharedLeft(Tensor b, Tensor dy) {
    Tensor da = dy.like(dy.shape().with(-1, b.dim(transposeB ? -1 : -2)));
    dy.backend().matmul(dy, false, b, !transposeB, null, null, da);
    return transposeA ? swapLast(da) : da;
  }

  private Tensor right(Tensor a, boolean aTransposed, Tensor dy) {
    Tensor db = dy.like(shapeB);
    if (transposeB) {
      dy.backend().matmul(dy, true, a, aTransposed, null, null, db);
    } else {
      dy.backend().matmul(a, !aTransposed, dy, false, null, null, db);
    }
    return db;
  }

  private static Tensor flatten(Tensor t) {
    int rows = t.shape().folded("matmul", 0, t.shape().rank() - 1);
    return t.view(Shape.of(rows, t.dim(-1)));
  }

  private static Tensor swapLast(Tensor t) {
    int rank = t.shape().rank();
    int[] axes = new int[rank];
    Arrays.setAll(axes, i -> i);
    axes[rank - 2] = rank - 1;
    axes[rank - 1] = rank - 2;
    Tensor y = t.like(t.shape().with(-2, t.dim(-1)).with(-1, t.dim(-2)));
    t.backend().permute(t, axes, y);
    return y;
  }
}
