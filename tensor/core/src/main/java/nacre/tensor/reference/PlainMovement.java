package nacre.tensor.reference;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Indexed;

/**
 * What moves, converts and sets elements. Movement copies bytes, so that it is exact for any type.
 */
final class PlainMovement {
  private PlainMovement() {}

  static void fill(Tensor y, double value) {
    double[] values = new double[(int) y.elements()];
    Arrays.fill(values, value);
    Elements.write(values, y);
  }

  static void cast(Tensor x, Tensor y) {
    if (x.dtype() == y.dtype()) {
      Elements.writeBytes(Elements.readBytes(x), y);
    } else if (x.dtype().isFloating() || y.dtype().isFloating()) {
      Elements.write(Elements.read(x), y);
    } else {
      Elements.writeIntegers(Elements.readIntegers(x), y);
    }
  }

  static void slice(Tensor x, int[] starts, Tensor y) {
    collect(x, Indices.box(y.shape(), starts, x.shape()), y);
  }

  static void permute(Tensor x, int[] axes, Tensor y) {
    collect(x, Indices.permuted(x.shape(), axes), y);
  }

  static void place(Tensor x, int[] starts, Tensor y) {
    int[] places = Indices.box(x.shape(), starts, y.shape());
    int size = x.dtype().bytes();
    byte[] from = Elements.readBytes(x);
    byte[] to = Elements.readBytes(y);
    for (int i = 0; i < places.length; i++) {
      System.arraycopy(from, i * size, to, places[i] * size, size);
    }
    Elements.writeBytes(to, y);
  }

  static void gather(Tensor table, Tensor indices, Tensor y) {
    long[] rows = rows(indices, table.dim(0));
    int size = table.dim(1) * table.dtype().bytes();
    byte[] from = Elements.readBytes(table);
    byte[] to = new byte[rows.length * size];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(from, (int) rows[i] * size, to, i * size, size);
    }
    Elements.writeBytes(to, y);
  }

  static void gatherBackward(Tensor indices, Tensor dy, Tensor dtable) {
    long[] rows = rows(indices, dtable.dim(0));
    int d = dtable.dim(1);
    double[] g = Elements.read(dy);
    double[] sum = new double[(int) dtable.elements()];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < d; j++) {
        sum[(int) rows[i] * d + j] += g[i * d + j];
      }
    }
    Elements.write(sum, dtable);
  }

  private static long[] rows(Tensor indices, int count) {
    if (indices.dtype() != DType.I32 && indices.dtype() != DType.I64) {
      throw new IllegalArgumentException(
          "gather: indices must be i32 or i64, not " + indices.describe());
    }
    long[] rows = Elements.readIntegers(indices);
    for (int i = 0; i < rows.length; i++) {
      Indexed.GATHER.check(rows[i], i, count);
    }
    return rows;
  }

  private static void collect(Tensor x, int[] places, Tensor y) {
    int size = x.dtype().bytes();
    byte[] from = Elements.readBytes(x);
    byte[] to = new byte[places.length * size];
    for (int i = 0; i < places.length; i++) {
      System.arraycopy(from, places[i] * size, to, i * size, size);
    }
    Elements.writeBytes(to, y);
  }
}
