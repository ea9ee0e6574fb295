package nacre.tensor.cpu;

import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Unary;
import nacre.tensor.backend.Window;

/**
 * The operations that a library does better than loops in Java: matrix products, convolutions, and
 * normalisations of rows. Arguments are as in {@link nacre.tensor.backend.Backend}.
 */
public interface MatrixEngine {
  /** Name and version, for the start-up line. */
  String describe();

  /** Whether it computes with elements of this type. */
  boolean supports(DType dtype);

  /** Whether the activation can be applied to a result before it is written. */
  boolean fuses(Unary f);

  void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y);

  void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db);

  void conv2d(Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y);

  void conv2dInputGradient(Tensor dy, Tensor w, Window window, Tensor dx);

  void conv2dWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db);

  /**
   * y [N, 2H, 2W, O] = the transposed convolution of x [N, H, W, I] by w [O, 4, 4, I], with stride
   * 2 and padding 1, + bias [O], nullable.
   */
  void transposedConv2d(Tensor x, Tensor w, Tensor bias, Tensor y);

  /**
   * y = scale · a · b for each of n × heads pairs of matrices, each a view into a tensor [N, T,
   * heads, D] or a dense [N, heads, T, S].
   */
  void multiplyHeads(HeadMatrix a, HeadMatrix b, double scale, HeadMatrix y);

  /** Softmax of each row of f32 scores [rows, columns], in place. */
  void softmaxRows(long scores, long rows, int columns);

  /** ds = p · (ds − Σ p · ds) for each row, in place; f32 [rows, columns]. */
  void softmaxRowsBackward(long p, long ds, long rows, int columns);

  /** f32 layer normalisation; gives the variance, not its inverse root. */
  void layerNorm(
      Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor variance);

  /** Gradients of {@link #layerNorm}; eps as it was there. */
  void layerNormBackward(
      Tensor x,
      Tensor gamma,
      Tensor mean,
      Tensor variance,
      double eps,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta);

  /**
   * Matrices [rows, columns], one for each batch entry and head.
   *
   * @param address of the first element
   * @param dtype of the elements
   * @param n batch entries
   * @param heads heads
   * @param rows rows of each matrix
   * @param columns columns of each
   * @param perEntry elements from one batch entry to the next
   * @param perHead from one head to the next
   * @param perRow from one row to the next
   * @param perColumn from one column to the next
   */
  record HeadMatrix(
      long address,
      DType dtype,
      int n,
      int heads,
      int rows,
      int columns,
      long perEntry,
      long perHead,
      long perRow,
      long perColumn) {

    /** A tensor [N, T, heads, D] as matrices [T, D], from batch entry {@code first} on. */
    static HeadMatrix tokens(Tensor t, int first, int n) {
      int tokens = t.dim(1);
      int heads = t.dim(2);
      int d = t.dim(3);
      long entry = (long) tokens * heads * d;
      long at = t.address() + first * entry * t.dtype().bytes();
      return new HeadMatrix(at, t.dtype(), n, heads, tokens, d, entry, d, (long) heads * d, 1);
    }

    /** Dense matrices [N, heads, rows, columns]. */
    static HeadMatrix dense(long address, DType dtype, int n, int heads, int rows, int columns) {
      long matrix = (long) rows * columns;
      return new HeadMatrix(
          address, dtype, n, heads, rows, columns, heads * matrix, matrix, columns, 1);
    }

    HeadMatrix transposed() {
      return new HeadMatrix(
          address, dtype, n, heads, columns, rows, perEntry, perHead, perColumn, perRow);
    }
  }
}
