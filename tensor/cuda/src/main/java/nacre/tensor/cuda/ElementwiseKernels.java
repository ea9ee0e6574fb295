package nacre.tensor.cuda;

import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.FunctionTable;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;

/** Functions of one element and its like: {@code elementwise.cu}, {@code rows.cu}. */
final class ElementwiseKernels {
  private static final String FILE = "elementwise";

  private final Gpu gpu;

  ElementwiseKernels(Gpu gpu) {
    this.gpu = gpu;
  }

  void unary(Unary f, Tensor x, Tensor y) {
    long n = y.elements();
    if (n > 0) {
      gpu.kernel(FILE, "unary", y.dtype())
          .over(
              n,
              a -> a.i32(FunctionTable.code(f)).address(x.address()).address(y.address()).i64(n));
    }
  }

  void unaryBackward(Unary f, Tensor x, Tensor dy, Tensor dx) {
    long n = dx.elements();
    if (n > 0) {
      gpu.kernel(FILE, "unary_backward", dx.dtype())
          .over(
              n,
              a ->
                  a.i32(FunctionTable.code(f))
                      .address(x.address())
                      .address(dy.address())
                      .address(dx.address())
                      .i64(n));
    }
  }

  void binary(Binary f, Tensor x, Tensor z, Tensor y) {
    long n = y.elements();
    if (n == 0) {
      return;
    }
    if (x.shape().equals(y.shape()) && z.shape().equals(y.shape())) {
      gpu.kernel(FILE, "binary", y.dtype())
          .over(
              n,
              a ->
                  a.i32(FunctionTable.code(f))
                      .address(x.address())
                      .address(z.address())
                      .address(y.address())
                      .i64(n));
    } else {
      int[] layout = BroadcastLayout.of(x.shape(), z.shape(), y.shape());
      gpu.kernel(FILE, "broadcast", y.dtype())
          .over(
              n,
              a ->
                  a.i32(FunctionTable.code(f))
                      .address(x.address())
                      .address(z.address())
                      .address(y.address())
                      .i64(n)
                      .ints(layout));
    }
  }

  void affine(Tensor x, double scale, double shift, Tensor y) {
    long n = y.elements();
    if (n > 0) {
      gpu.kernel(FILE, "affine", y.dtype())
          .over(n, a -> a.address(x.address()).f32(scale).f32(shift).address(y.address()).i64(n));
    }
  }

  void mix(Tensor x, double scaleX, Tensor z, double scaleZ, Tensor y) {
    long n = y.elements();
    if (n > 0) {
      gpu.kernel(FILE, "mix", y.dtype())
          .over(
              n,
              a ->
                  a.address(x.address())
                      .f32(scaleX)
                      .address(z.address())
                      .f32(scaleZ)
                      .address(y.address())
                      .i64(n));
    }
  }

  void select(Tensor mask, Tensor a, Tensor b, Tensor y) {
    long n = y.elements();
    if (n > 0) {
      gpu.kernel(FILE, "select_" + mask.dtype(), y.dtype())
          .over(
              n,
              args ->
                  args.address(mask.address())
                      .address(a == null ? 0 : a.address())
                      .address(b == null ? 0 : b.address())
                      .address(y.address())
                      .i64(n));
    }
  }

  void dropout(Tensor x, double p, long seed, long stream, Tensor y) {
    long n = y.elements();
    if (n > 0) {
      gpu.kernel("random", "dropout", y.dtype())
          .over(
              (n + 3) / 4,
              a ->
                  a.i64(seed)
                      .i64(stream)
                      .f32(p)
                      .f32(p < 1 ? 1 / (1 - p) : 0)
                      .address(x.address())
                      .address(y.address())
                      .i64(n));
    }
  }

  void geglu(Tensor x, Tensor y) {
    if (y.elements() > 0) {
      int c = y.dim(-1);
      geglu(y.dtype(), x.address(), y.address(), y.elements() / c, c);
    }
  }

  /** The same of x [rows, 2c], y [rows, c] at addresses. */
  void geglu(DType dtype, long x, long y, long rows, int c) {
    gpu.kernel("rows", "geglu", dtype)
        .over(rows * c, a -> a.address(x).address(y).i64(rows).i32(c));
  }

  void gegluBackward(Tensor x, Tensor dy, Tensor dx) {
    long n = dy.elements();
    if (n > 0) {
      int c = dy.dim(-1);
      gpu.kernel("rows", "geglu_backward", dy.dtype())
          .over(
              n,
              a ->
                  a.address(x.address())
                      .address(dy.address())
                      .address(dx.address())
                      .i64(n / c)
                      .i32(c));
    }
  }

  void cast(Tensor x, Tensor y) {
    long n = y.elements();
    if (n > 0) {
      gpu.kernels()
          .get("convert", "cast_" + x.dtype() + "_" + y.dtype())
          .over(n, a -> a.address(x.address()).address(y.address()).i64(n));
    }
  }

  void fill(Tensor y, double value) {
    long n = y.elements();
    if (n > 0) {
      long bits = Bits.of(value, y.dtype());
      gpu.mover("convert", "fill", y.dtype()).over(n, a -> a.address(y.address()).i64(bits).i64(n));
    }
  }

  void random(String distribution, long seed, long stream, Tensor y) {
    long n = y.elements();
    if (n > 0) {
      if (y.dtype() != DType.F32) {
        throw new IllegalArgumentException(distribution + ": " + y.describe() + " is not f32");
      }
      gpu.kernels()
          .get("random", distribution + "_f32")
          .over(n, a -> a.i64(seed).i64(stream).address(y.address()).i64(n));
    }
  }
}
