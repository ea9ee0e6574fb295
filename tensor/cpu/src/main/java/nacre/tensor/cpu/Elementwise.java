package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;

/** Operations that compute each element from the elements at the same place. */
final class Elementwise {
  /** Elements below which a second thread costs more than it brings. */
  static final long WORTH = 16_384;

  private static final float INV_SQRT_2PI = 0.39894228f;
  private static final float GELU_K = 0.7978845608f;
  private static final float GELU_C = 0.044715f;

  private final Team team;

  Elementwise(Team team) {
    this.team = team;
  }

  /** Computes y from the given inputs, tile by tile: {@code body} changes tile 0 in place. */
  private void map(Tensor y, TileBody body, Tensor... in) {
    long n = y.elements();
    long yAddress = y.address();
    long[] addresses = new long[in.length];
    DType[] dtypes = new DType[in.length];
    for (int k = 0; k < in.length; k++) {
      addresses[k] = in[k].address();
      dtypes[k] = in[k].dtype();
    }
    team.split(
        n,
        n >= WORTH,
        (from, to) -> {
          Scratch s = Scratch.mine();
          float[][] tiles = new float[in.length][];
          for (int k = 0; k < in.length; k++) {
            tiles[k] = s.floats(k, Scratch.TILE);
          }
          for (long i = from; i < to; i += Scratch.TILE) {
            int m = (int) Math.min(Scratch.TILE, to - i);
            for (int k = 0; k < in.length; k++) {
              Tiles.load(addresses[k], dtypes[k], i, tiles[k], 0, m);
            }
            body.run(tiles, m);
            Tiles.store(tiles[0], 0, yAddress, y.dtype(), i, m);
          }
        });
  }

  private interface TileBody {
    void run(float[][] tiles, int n);
  }

  void unary(Unary f, Tensor x, Tensor y) {
    map(y, (t, n) -> apply(f, t[0], n), x);
  }

  void unaryBackward(Unary f, Tensor x, Tensor dy, Tensor dx) {
    map(dx, (t, n) -> applyDerivative(f, t[0], t[1], n), x, dy);
  }

  void affine(Tensor x, double scale, double shift, Tensor y) {
    float a = (float) scale;
    float b = (float) shift;
    map(y, (t, n) -> scaleShift(t[0], a, b, n), x);
  }

  private static void scaleShift(float[] x, float a, float b, int n) {
    for (int i = 0; i < n; i++) {
      x[i] = x[i] * a + b;
    }
  }

  void mix(Tensor a, double scaleA, Tensor b, double scaleB, Tensor y) {
    float sa = (float) scaleA;
    float sb = (float) scaleB;
    map(y, (t, n) -> mixTiles(t[0], sa, t[1], sb, n), a, b);
  }

  private static void mixTiles(float[] a, float sa, float[] b, float sb, int n) {
    for (int i = 0; i < n; i++) {
      a[i] = a[i] * sa + b[i] * sb;
    }
  }

  void binarySameShape(Binary f, Tensor a, Tensor b, Tensor y) {
    map(y, (t, n) -> apply(f, t[0], t[1], n), a, b);
  }

  /** a[i] = f(a[i], b[i]). */
  static void apply(Binary f, float[] a, float[] b, int n) {
    switch (f) {
      case ADD -> {
        for (int i = 0; i < n; i++) {
          a[i] += b[i];
        }
      }
      case SUBTRACT -> {
        for (int i = 0; i < n; i++) {
          a[i] -= b[i];
        }
      }
      case MULTIPLY -> {
        for (int i = 0; i < n; i++) {
          a[i] *= b[i];
        }
      }
      case DIVIDE -> {
        for (int i = 0; i < n; i++) {
          a[i] /= b[i];
        }
      }
    }
  }

  /** x[i] = f(x[i]). Uses scratch slots 8 to 11. */
  static void apply(Unary f, float[] x, int n) {
    Scratch s = Scratch.mine();
    float[] u = s.floats(8, n);
    float[] v = s.floats(9, n);
    switch (f) {
      case SILU -> {
        VectorMath.sigmoid(x, 1, u, n);
        multiply(x, u, n);
      }
      case QUICK_GELU -> {
        VectorMath.sigmoid(x, 1.702f, u, n);
        multiply(x, u, n);
      }
      case GELU -> {
        VectorMath.normal(x, u, v, n);
        multiply(x, u, n);
      }
      case GELU_TANH -> {
        geluInner(x, v, n);
        // ½ (1 + tanh v) = sigmoid(2v), which does not cancel where tanh nears -1.
        VectorMath.sigmoid(v, 2, u, n);
        multiply(x, u, n);
      }
      case SIGMOID -> {
        VectorMath.sigmoid(x, 1, u, n);
        System.arraycopy(u, 0, x, 0, n);
      }
      case RELU -> {
        for (int i = 0; i < n; i++) {
          x[i] = Math.max(x[i], 0f);
        }
      }
      case TANH -> {
        for (int i = 0; i < n; i++) {
          x[i] = (float) Math.tanh(x[i]);
        }
      }
      case EXP -> {
        for (int i = 0; i < n; i++) {
          x[i] = (float) Math.exp(x[i]);
        }
      }
      case SQUARE -> {
        for (int i = 0; i < n; i++) {
          x[i] *= x[i];
        }
      }
      case SQRT -> {
        for (int i = 0; i < n; i++) {
          x[i] = (float) Math.sqrt(x[i]);
        }
      }
      case SIN -> {
        for (int i = 0; i < n; i++) {
          x[i] = (float) Math.sin(x[i]);
        }
      }
      case COS -> {
        for (int i = 0; i < n; i++) {
          x[i] = (float) Math.cos(x[i]);
        }
      }
    }
  }

  /** x[i] = f′(x[i]) · dy[i]. Uses scratch slots 8 to 11. */
  static void applyDerivative(Unary f, float[] x, float[] dy, int n) {
    Scratch s = Scratch.mine();
    float[] u = s.floats(8, n);
    float[] v = s.floats(9, n);
    switch (f) {
      case SILU -> gatedDerivative(x, 1f, dy, u, n);
      case QUICK_GELU -> gatedDerivative(x, 1.702f, dy, u, n);
      case GELU -> {
        VectorMath.normal(x, u, v, n);
        for (int i = 0; i < n; i++) {
          x[i] = dy[i] * (u[i] + x[i] * v[i] * INV_SQRT_2PI);
        }
      }
      case GELU_TANH -> {
        geluInner(x, v, n);
        VectorMath.sigmoid(v, 2, u, n);
        for (int i = 0; i < n; i++) {
          float slope = 2f * GELU_K * (1f + 3f * GELU_C * x[i] * x[i]);
          x[i] = dy[i] * u[i] * (1f + x[i] * (1f - u[i]) * slope);
        }
      }
      case SIGMOID -> {
        VectorMath.sigmoid(x, 1, u, n);
        for (int i = 0; i < n; i++) {
          x[i] = dy[i] * u[i] * (1f - u[i]);
        }
      }
      case RELU -> {
        for (int i = 0; i < n; i++) {
          x[i] = x[i] > 0f ? dy[i] : 0f;
        }
      }
      case TANH -> {
        for (int i = 0; i < n; i++) {
          double t = Math.tanh(x[i]);
          x[i] = dy[i] * (float) (1 - t * t);
        }
      }
      case EXP -> {
        for (int i = 0; i < n; i++) {
          x[i] = dy[i] * (float) Math.exp(x[i]);
        }
      }
      case SQUARE -> {
        for (int i = 0; i < n; i++) {
          x[i] = 2f * x[i] * dy[i];
        }
      }
      case SQRT -> {
        for (int i = 0; i < n; i++) {
          x[i] = 0.5f * dy[i] / (float) Math.sqrt(x[i]);
        }
      }
      case SIN -> {
        for (int i = 0; i < n; i++) {
          x[i] = dy[i] * (float) Math.cos(x[i]);
        }
      }
      case COS -> {
        for (int i = 0; i < n; i++) {
          x[i] = -dy[i] * (float) Math.sin(x[i]);
        }
      }
    }
  }

  private static void multiply(float[] x, float[] u, int n) {
    for (int i = 0; i < n; i++) {
      x[i] *= u[i];
    }
  }

  private static void geluInner(float[] x, float[] v, int n) {
    for (int i = 0; i < n; i++) {
      v[i] = GELU_K * (x[i] + GELU_C * x[i] * x[i] * x[i]);
    }
  }

  /** Derivative of x · sigmoid(kx). */
  private static void gatedDerivative(float[] x, float k, float[] dy, float[] u, int n) {
    VectorMath.sigmoid(x, k, u, n);
    for (int i = 0; i < n; i++) {
      x[i] = dy[i] * u[i] * (1f + k * x[i] * (1f - u[i]));
    }
  }

  void geglu(Tensor x, Tensor y) {
    gated(x, null, y);
  }

  void gegluBackward(Tensor x, Tensor dy, Tensor dx) {
    gated(x, dy, dx);
  }

  private void gated(Tensor x, Tensor dy, Tensor out) {
    int c = x.dim(-1) / 2;
    long rows = c == 0 ? 0 : x.elements() / (2L * c);
    DType dtype = x.dtype();
    long xa = x.address();
    long oa = out.address();
    long da = dy == null ? 0 : dy.address();
    int block = Math.max(1, Scratch.TILE / c);
    team.split(
        (rows + block - 1) / block,
        rows * c >= WORTH,
        (from, to) -> {
          Scratch s = Scratch.mine();
          float[] both = s.floats(0, block * 2 * c);
          float[] a = s.floats(1, block * c);
          float[] b = s.floats(2, block * c);
          float[] d = s.floats(3, block * c);
          float[] u = s.floats(4, block * c);
          float[] v = s.floats(5, block * c);
          for (long k = from; k < to; k++) {
            long row = k * block;
            int r = (int) Math.min(block, rows - row);
            int n = r * c;
            Tiles.load(xa, dtype, row * 2 * c, both, 0, 2 * n);
            for (int i = 0; i < r; i++) {
              System.arraycopy(both, 2 * i * c, a, i * c, c);
              System.arraycopy(both, (2 * i + 1) * c, b, i * c, c);
            }
            VectorMath.normal(b, u, v, n);
            if (dy == null) {
              for (int i = 0; i < n; i++) {
                a[i] *= b[i] * u[i];
              }
              Tiles.store(a, 0, oa, dtype, row * c, n);
            } else {
              Tiles.load(da, dtype, row * c, d, 0, n);
              for (int i = 0; i < n; i++) {
                float slope = u[i] + b[i] * v[i] * INV_SQRT_2PI;
                float gate = b[i] * u[i];
                b[i] = d[i] * a[i] * slope;
                a[i] = d[i] * gate;
              }
              for (int i = 0; i < r; i++) {
                System.arraycopy(a, i * c, both, 2 * i * c, c);
                System.arraycopy(b, i * c, both, (2 * i + 1) * c, c);
              }
              Tiles.store(both, 0, oa, dtype, row * 2 * c, 2 * n);
            }
          }
        });
  }

  void cast(Tensor x, Tensor y) {
    if (x.dtype() == y.dtype()) {
      Tiles.ALL.asSlice(y.address(), y.bytes()).copyFrom(x.segment());
    } else if (!x.dtype().isFloating() && !y.dtype().isFloating()) {
      castIntegers(x, y);
    } else {
      map(y, (t, n) -> {}, x);
    }
  }

  private void castIntegers(Tensor x, Tensor y) {
    integers(y, (i, tile, n) -> Integers.load(x.address(), x.dtype(), i, tile, n));
  }

  private interface IntegerTile {
    void fill(long index, long[] tile, int n);
  }

  /** Writes integers tile by tile, saturated to what y can hold. */
  private void integers(Tensor y, IntegerTile source) {
    team.split(
        y.elements(),
        y.elements() >= WORTH,
        (from, to) -> {
          long[] tile = Scratch.mine().longs(Scratch.TILE);
          for (long i = from; i < to; i += Scratch.TILE) {
            int n = (int) Math.min(Scratch.TILE, to - i);
            source.fill(i, tile, n);
            Integers.store(tile, y.address(), y.dtype(), i, n);
          }
        });
  }

  /** Integers take the value rounded to nearest even, as a cast does. */
  void fill(Tensor y, double value) {
    if (!y.dtype().isFloating()) {
      long whole = (long) Math.rint(value);
      integers(y, (_, tile, n) -> Arrays.fill(tile, 0, n, whole));
      return;
    }
    if (Double.doubleToRawLongBits(value) == 0) {
      Tiles.ALL.asSlice(y.address(), y.bytes()).fill((byte) 0);
      return;
    }
    float v = (float) value;
    map(y, (t, n) -> Arrays.fill(t[0], 0, n, v), y);
  }
}
