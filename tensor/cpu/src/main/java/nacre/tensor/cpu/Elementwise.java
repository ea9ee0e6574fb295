package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;

/** Operations that compute each element from the elements at the same place. */
final class Elementwise {
  private final Team team;

  Elementwise(Team team) {
    this.team = team;
  }

  /** Computes y from the given inputs, tile by tile: {@code body} changes tile 0 in place. */
  private void map(Tensor y, TileBody body, Tensor... in) {
    map(y, Worth.arithmetic(y.elements()), body, in);
  }

  private void map(Tensor y, boolean worth, TileBody body, Tensor... in) {
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
        worth,
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
    boolean worth = Worth.functions(y.elements());
    map(y, worth, (t, n) -> UnaryTiles.apply(f, t[0], n), x);
  }

  void unaryBackward(Unary f, Tensor x, Tensor dy, Tensor dx) {
    boolean worth = Worth.functions(dx.elements());
    map(dx, worth, (t, n) -> UnaryTiles.applyDerivative(f, t[0], t[1], n), x, dy);
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

  /** Either may be null, which stands for zeros. */
  void select(Tensor mask, Tensor a, Tensor b, Tensor y) {
    map(
        y,
        (t, n) -> {
          if (a == null) {
            Arrays.fill(t[1], 0, n, 0);
          }
          if (b == null) {
            Arrays.fill(t[2], 0, n, 0);
          }
          for (int i = 0; i < n; i++) {
            t[0][i] = t[0][i] != 0 ? t[1][i] : t[2][i];
          }
        },
        mask,
        a == null ? mask : a,
        b == null ? mask : b);
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
      case EQUAL -> {
        for (int i = 0; i < n; i++) {
          a[i] = a[i] == b[i] ? 1 : 0;
        }
      }
      case LESS -> {
        for (int i = 0; i < n; i++) {
          a[i] = a[i] < b[i] ? 1 : 0;
        }
      }
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
        Worth.functions(rows * c),
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
                float slope = u[i] + b[i] * v[i] * UnaryTiles.INV_SQRT_2PI;
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
        Worth.arithmetic(y.elements()),
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
