package nacre.nn;

import java.util.Locale;

/** Checks of the sizes that a layer is made with; messages name the layer and its place. */
final class Sizes {
  private final String layer;

  private Sizes(String layer) {
    this.layer = layer;
  }

  /** Those of a layer whose parameters are at {@code p}. */
  static Sizes of(String layer, Parameters p) {
    String place = p.place();
    return new Sizes(place.isEmpty() ? layer : layer + " at " + place);
  }

  /** The number is 1 or more. */
  Sizes positive(String name, int number) {
    if (number < 1) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s: %s is %d, must be 1 or more", layer, name, number));
    }
    return this;
  }

  /** The number is finite, and not below 0. */
  Sizes eps(double eps) {
    if (!(eps >= 0 && eps < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s: eps is %s, must be a number not below 0", layer, eps));
    }
    return this;
  }

  /** The number is a multiple of the other. */
  Sizes multiple(String name, int number, String of, int divisor) {
    positive(name, number).positive(of, divisor);
    if (number % divisor != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "%s: %s %d is no multiple of %s %d", layer, name, number, of, divisor));
    }
    return this;
  }

  /** a · b, as the extent of an axis. */
  int product(String nameA, int a, String nameB, int b) {
    positive(nameA, a).positive(nameB, b);
    if ((long) a * b > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: %s %d times %s %d is more than an axis can have",
              layer,
              nameA,
              a,
              nameB,
              b));
    }
    return a * b;
  }
}
