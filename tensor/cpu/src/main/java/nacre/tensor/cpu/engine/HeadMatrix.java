package nacre.tensor.cpu.engine;

import nacre.tensor.DType;
import nacre.tensor.Tensor;

/**
 * Matrices [rows, columns], one for each batch entry and head, somewhere in memory.
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
public record HeadMatrix(
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

  /** A tensor [N, T, heads, D] as matrices [T, D]. */
  public static HeadMatrix tokens(Tensor t) {
    int tokens = t.dim(1);
    int heads = t.dim(2);
    int d = t.dim(3);
    long row = (long) heads * d;
    return new HeadMatrix(
        t.address(), t.dtype(), t.dim(0), heads, tokens, d, tokens * row, d, row, 1);
  }

  /** Dense matrices [n, heads, rows, columns]. */
  public static HeadMatrix dense(
      long address, DType dtype, int n, int heads, int rows, int columns) {
    long matrix = (long) rows * columns;
    return new HeadMatrix(
        address, dtype, n, heads, rows, columns, heads * matrix, matrix, columns, 1);
  }

  /** Dense [columns, n, heads, rows]: what belongs to one column, of all matrices, together. */
  public static HeadMatrix columnsFirst(
      long address, DType dtype, int n, int heads, int rows, int columns) {
    long entry = (long) heads * rows;
    long all = n * entry;
    // The stride of an axis with one element counts for nothing, but where it equals another the
    // library takes the one axis for the other.
    long perEntry = n == 1 ? all * columns : entry;
    long perHead = heads == 1 ? all * columns : rows;
    return new HeadMatrix(address, dtype, n, heads, rows, columns, perEntry, perHead, 1, all);
  }

  public HeadMatrix transposed() {
    return new HeadMatrix(
        address, dtype, n, heads, columns, rows, perEntry, perHead, perColumn, perRow);
  }

  /** Matrices that lie alike somewhere else. */
  public HeadMatrix at(long address, DType dtype) {
    return new HeadMatrix(
        address, dtype, n, heads, rows, columns, perEntry, perHead, perRow, perColumn);
  }

  /** The matrices of some heads of some batch entries. */
  public HeadMatrix part(int entry, int entries, int head, int heads) {
    long at = address + (entry * perEntry + head * perHead) * dtype.bytes();
    return new HeadMatrix(
        at, dtype, entries, heads, rows, columns, perEntry, perHead, perRow, perColumn);
  }

  /** Some rows of each matrix. */
  public HeadMatrix rows(int row, int rows) {
    long at = address + row * perRow * dtype.bytes();
    return new HeadMatrix(at, dtype, n, heads, rows, columns, perEntry, perHead, perRow, perColumn);
  }
}
