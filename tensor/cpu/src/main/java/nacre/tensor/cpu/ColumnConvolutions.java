package nacre.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * Convolutions of images so small that the weights are the greater part of what is read: the
 * patches under the kernel are laid out as the rows of a matrix, and matrix products take the
 * weights as they lie. A library's convolution brings weights into an order of its own first, and
 * their gradients out of it, which then takes longer than all the arithmetic.
 */
final class ColumnConvolutions {
  private final Team team;
  private final MatrixEngine engine;
  private final Broadcasting broadcasting;

  ColumnConvolutions(Team team, MatrixEngine engine, Broadcasting broadcasting) {
    this.team = team;
    this.engine = engine;
    this.broadcasting = broadcasting;
  }

  /** Patches up to which a library's convolution is slower, if its weights are packed already. */
  private static final int FEW_FOR_PACKED = 32;

  /** The same where it has to bring the weights into order first. */
  private static final int FEW = 128;

  /** Whether this is the quicker way: there are few patches, and fewer than outputs. */
  boolean serves(Tensor y, Tensor w) {
    long patches = y.dim(0) * y.dim(1) * (long) y.dim(2);
    return patches <= Math.min(w.prepacked() ? FEW_FOR_PACKED : FEW, w.dim(0));
  }

  void forward(Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    try (Scope _ = Scope.open()) {
      Tensor columns = columns(x, w, window, y);
      if (residual == null) {
        engine.linear(columns, matrix(w), bias, f, null, null, rows(y));
      } else if (residual.shape().equals(y.shape())) {
        engine.linear(columns, matrix(w), bias, null, Binary.ADD, rows(residual), rows(y));
      } else {
        engine.linear(columns, matrix(w), bias, null, null, null, rows(y));
        broadcasting.binary(Binary.ADD, y, residual, y);
      }
    }
  }

  void weightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db) {
    try (Scope _ = Scope.open()) {
      engine.linearWeightGradient(columns(x, dw, window, dy), rows(dy), matrix(dw), db);
    }
  }

  void inputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    try (Scope _ = Scope.open()) {
      Tensor matrix = matrix(w);
      Tensor rows = rows(dy);
      Tensor columns = dy.like(Shape.of(rows.dim(0), matrix.dim(1)));
      engine.matmul(rows, false, matrix, false, null, null, columns);
      sumColumns(columns, dy, w, window, dx);
    }
  }

  /** w [O, KH, KW, I] as [O, KH·KW·I]. */
  private static Tensor matrix(Tensor w) {
    return w.view(Shape.of(w.dim(0), w.dim(1) * w.dim(2) * w.dim(3)));
  }

  /** y [N, OH, OW, O] as [N·OH·OW, O]. */
  private static Tensor rows(Tensor y) {
    return y.view(Shape.of(y.dim(0) * y.dim(1) * y.dim(2), y.dim(3)));
  }

  /** [N·OH·OW, KH·KW·I]: for each pixel of y what of x lies under the kernel. */
  private Tensor columns(Tensor x, Tensor w, Window window, Tensor y) {
    int kernelHeight = w.dim(1);
    int kernelWidth = w.dim(2);
    int height = y.dim(1);
    int width = y.dim(2);
    long patches = (long) y.dim(0) * height * width;
    long pixel = (long) x.dim(3) * x.dtype().bytes();
    Tensor columns = x.like(Shape.of((int) patches, kernelHeight * kernelWidth * x.dim(3)));
    team.split(
        patches,
        Worth.arithmetic(columns.elements()),
        (from, to) -> {
          for (long p = from; p < to; p++) {
            int top = (int) (p / width % height) * window.stride() - window.top();
            int left = (int) (p % width) * window.stride() - window.left();
            long image = p / width / height * x.dim(1);
            long target = columns.address() + p * kernelHeight * kernelWidth * pixel;
            for (int r = top; r < top + kernelHeight; r++) {
              for (int c = left; c < left + kernelWidth; c++) {
                if (r >= 0 && r < x.dim(1) && c >= 0 && c < x.dim(2)) {
                  long source = x.address() + ((image + r) * x.dim(2) + c) * pixel;
                  MemorySegment.copy(Tiles.ALL, source, Tiles.ALL, target, pixel);
                } else {
                  Tiles.ALL.asSlice(target, pixel).fill((byte) 0);
                }
                target += pixel;
              }
            }
          }
        });
    return columns;
  }

  /** The reverse of {@link #columns}: each pixel of dx gets the sum of its copies. */
  private void sumColumns(Tensor columns, Tensor dy, Tensor w, Window window, Tensor dx) {
    int kernelHeight = w.dim(1);
    int kernelWidth = w.dim(2);
    int in = dx.dim(3);
    int height = dx.dim(1);
    int width = dx.dim(2);
    team.split(
        (long) dx.dim(0) * height * width,
        Worth.arithmetic(columns.elements()),
        (from, to) -> {
          float[] sum = Scratch.mine().floats(0, in);
          float[] part = Scratch.mine().floats(1, in);
          for (long p = from; p < to; p++) {
            int row = (int) (p / width % height);
            int column = (int) (p % width);
            long image = p / width / height * dy.dim(1);
            Arrays.fill(sum, 0, in, 0);
            for (int kr = 0; kr < kernelHeight; kr++) {
              int r = place(row + window.top() - kr, window.stride(), dy.dim(1));
              for (int kc = 0; kc < kernelWidth && r >= 0; kc++) {
                int c = place(column + window.left() - kc, window.stride(), dy.dim(2));
                if (c >= 0) {
                  long patch = (image + r) * dy.dim(2) + c;
                  long at = ((patch * kernelHeight + kr) * kernelWidth + kc) * in;
                  Tiles.load(columns.address(), columns.dtype(), at, part, 0, in);
                  add(part, sum, in);
                }
              }
            }
            Tiles.store(sum, 0, dx.address(), dx.dtype(), p * in, in);
          }
        });
  }

  /** Which pixel of the result begins its patch {@code offset} pixels in; −1 if none does. */
  private static int place(int offset, int stride, int extent) {
    return offset >= 0 && offset % stride == 0 && offset / stride < extent ? offset / stride : -1;
  }

  private static void add(float[] x, float[] sum, int n) {
    for (int i = 0; i < n; i++) {
      sum[i] += x[i];
    }
  }
}
