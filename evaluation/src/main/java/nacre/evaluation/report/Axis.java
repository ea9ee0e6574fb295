package nacre.evaluation.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A linear axis with round ticks.
 *
 * @param low first value
 * @param high last value
 * @param step between ticks
 * @param from place of the first value
 * @param to place of the last
 */
record Axis(double low, double high, double step, double from, double to) {
  private static final int TICKS = 5;
  private static final double[] ROUND = {1, 2, 5, 10};

  /** An axis that holds all values between two, which may be the same. */
  static Axis of(double least, double most, double from, double to) {
    double span = most > least ? most - least : Math.max(1e-3, Math.abs(least));
    double rough = span / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double step = ROUND[ROUND.length - 1] * power;
    for (int i = ROUND.length - 1; i >= 0; i--) {
      step = ROUND[i] * power >= rough ? ROUND[i] * power : step;
    }
    double low = Math.floor(least / step) * step;
    double high = Math.ceil(most / step) * step;
    return new Axis(low, high > low ? high : low + step, step, from, to);
  }

  double at(double value) {
    return from + (to - from) * (value - low) / (high - low);
  }

  /** The ticks that have room for their labels: those at the ends stand in a little. */
  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    int count = (int) Math.round((high - low) / step);
    for (int i = 0; i <= count; i++) {
      ticks.add(low + i * step);
    }
    return ticks;
  }

  String label(double tick) {
    int digits = Math.clamp((long) Math.ceil(-Math.log10(step) - 1e-9), 0, 6);
    return String.format(Locale.ROOT, "%." + digits + "f", tick + 0.0).replace('-', '−');
  }
}
