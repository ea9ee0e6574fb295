package nacre.tensor.cuda;

import nacre.tensor.Tensor;

/**
 * The sizes of y [batch, m, n] = a [batch, m, k] · b [batch, k, n], each operand as it is stored or
 * transposed.
 *
 * @param sharedB one b serves the whole batch; with a not transposed the batch is then one, its
 *     rows being rows of a
 * @param sharedA one a serves the whole batch
 */
record Product(
    int batch,
    int m,
    int n,
    int k,
    boolean transposeA,
    boolean transposeB,
    boolean sharedB,
    boolean sharedA) {

  Product(int batch, int m, int n, int k, boolean transposeA, boolean transposeB, boolean sharedB) {
    this(batch, m, n, k, transposeA, transposeB, sharedB, false);
  }

  /** Of y [count, .., n] = x [.., k] · w [count, n, k] transposed. */
  static Product several(Tensor x, Tensor w) {
    int k = x.dim(-1);
    int rows = Math.toIntExact(x.elements() / k);
    return new Product(w.dim(0), rows, w.dim(1), k, false, true, false, true);
  }

  static Product of(Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor y) {
    int n = y.dim(-1);
    int k = a.dim(transposeA ? -2 : -1);
    boolean sharedB = b.shape().rank() == 2;
    int m = y.shape().rank() == 1 ? 1 : y.dim(-2);
    long rows = y.elements() / Math.max(1, n);
    if (sharedB && !transposeA) {
      return new Product(1, Math.toIntExact(rows), n, k, false, transposeB, true);
    }
    return new Product(
        Math.toIntExact(rows / Math.max(1, m)), m, n, k, transposeA, transposeB, sharedB);
  }
}
