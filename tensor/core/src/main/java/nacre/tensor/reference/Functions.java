package nacre.tensor.reference;

import nacre.tensor.spi.Unary;

/** The elementwise functions and their derivatives, in double. */
final class Functions {
  private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
  private static final double TANH_CUBIC = 0.044715;

  private Functions() {}

  static double value(Unary f, double x) {
    return switch (f) {
      case SILU -> x * sigmoid(x);
      case GELU -> x * phi(x);
      case GELU_TANH -> 0.5 * x * (1 + Math.tanh(tanhArgument(x)));
      case QUICK_GELU -> x * sigmoid(1.702 * x);
      case SIGMOID -> sigmoid(x);
      case RELU -> x > 0 || Double.isNaN(x) ? x : 0;
      case TANH -> Math.tanh(x);
      case EXP -> Math.exp(x);
      case SQUARE -> x * x;
      case SQRT -> Math.sqrt(x);
      case SIN -> Math.sin(x);
      case COS -> Math.cos(x);
      case LOG -> Math.log(x);
      case SOFTPLUS -> Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
      case ABS -> Math.abs(x);
    };
  }

  static double derivative(Unary f, double x) {
    return switch (f) {
      case SILU -> sigmoid(x) * (1 + x * sigmoid(-x));
      case GELU -> phi(x) + x * Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
      case GELU_TANH -> {
        double tanh = Math.tanh(tanhArgument(x));
        double slope = SQRT_2_OVER_PI * (1 + 3 * TANH_CUBIC * x * x);
        yield 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * slope;
      }
      case QUICK_GELU -> sigmoid(1.702 * x) * (1 + 1.702 * x * sigmoid(-1.702 * x));
      case SIGMOID -> sigmoid(x) * sigmoid(-x);
      case RELU -> x > 0 ? 1 : 0;
      case TANH -> 1 - Math.tanh(x) * Math.tanh(x);
      case EXP -> Math.exp(x);
      case SQUARE -> 2 * x;
      case SQRT -> 0.5 / Math.sqrt(x);
      case SIN -> Math.cos(x);
      case COS -> -Math.sin(x);
      case LOG -> 1 / x;
      case SOFTPLUS -> sigmoid(x);
      case ABS -> Math.signum(x);
    };
  }

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** The normal distribution function Φ. */
  static double phi(double x) {
    return 0.5 * erfc(-x / Math.sqrt(2));
  }

  /** 1 − erf(x): a series of positive terms near zero, a continued fraction far from it. */
  static double erfc(double x) {
    if (x < 0) {
      return 2 - erfc(-x);
    }
    if (x > 27) {
      return 0; // below the smallest double, and e^(−x²) with it
    }
    if (x < 2.5) {
      double term = x;
      double sum = x;
      for (int n = 1; term > sum * 1e-18; n++) {
        term *= 2 * x * x / (2 * n + 1);
        sum += term;
      }
      return 1 - 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }
    double fraction = x;
    for (int n = 80; n >= 1; n--) {
      fraction = x + 0.5 * n / fraction;
    }
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
  }

  private static double tanhArgument(double x) {
    return SQRT_2_OVER_PI * (x + TANH_CUBIC * x * x * x);
  }
}
