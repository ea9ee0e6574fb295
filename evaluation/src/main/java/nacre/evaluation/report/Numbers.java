package nacre.evaluation.report;

import java.util.Arrays;
import java.util.Locale;

/** Numbers of a metric as text, with as many digits as its values are worth. */
record Numbers(int digits) {
  private static final int FINE = 4;
  private static final int COARSE = 2;

  /** Two digits for values such as decibels, four for those of a small range. */
  static Numbers like(double... values) {
    double most = Arrays.stream(values).filter(Double::isFinite).map(Math::abs).max().orElse(0);
    return new Numbers(most >= 5 ? COARSE : FINE);
  }

  String of(double value) {
    return Double.isNaN(value)
        ? "–"
        : Double.isInfinite(value)
            ? (value > 0 ? "∞" : "−∞")
            : String.format(Locale.ROOT, "%." + digits + "f", value + 0.0).replace('-', '−');
  }

  String signed(double value) {
    return value > 0 ? "+" + of(value) : of(value);
  }
}
