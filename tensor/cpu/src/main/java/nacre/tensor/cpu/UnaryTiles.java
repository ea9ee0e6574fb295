package nacre.tensor.cpu;

import nacre.tensor.spi.Unary;

/** The functions of one argument and their derivatives, on tiles. */
final class UnaryTiles {
  /** 1 / √(2π). */
  static final float INV_SQRT_2PI = 0.39894228f;

  private static final float GELU_K = 0.7978845608f;
  private static final float GELU_C = 0.044715f;

  private UnaryTiles() {}

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
      case LOG -> {
        for (int i = 0; i < n; i++) {
          x[i] = (float) Math.log(x[i]);
        }
      }
      case SOFTPLUS -> VectorMath.softplus(x, u, n);
      case ABS -> {
        for (int i = 0; i < n; i++) {
          x[i] = Math.abs(x[i]);
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
      case LOG -> {
        for (int i = 0; i < n; i++) {
          x[i] = dy[i] / x[i];
        }
      }
      case SOFTPLUS -> {
        VectorMath.sigmoid(x, 1, u, n);
        for (int i = 0; i < n; i++) {
          x[i] = dy[i] * u[i];
        }
      }
      case ABS -> {
        for (int i = 0; i < n; i++) {
          x[i] = dy[i] * Math.signum(x[i]);
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
}
