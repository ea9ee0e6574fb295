package nacre.weights;

import java.util.Locale;

/**
 * The ranges of a configuration's numbers, checked where its record is made, so that a number that
 * cannot work is refused by its name before anything is computed with it. NaN and infinity lie in
 * no range.
 *
 * @param place what goes before a key in messages, such as {@code "training."} or {@code "ViT
 *     config: "}
 */
public record ConfigRange(String place) {

  /**
   * A whole number.
   *
   * @throws IllegalArgumentException in one line with key, range and value, if it lies outside
   */
  public void whole(String key, int value, int least, int most) {
    if (value < least || value > most) {
      throw wrong(
          key, String.format(Locale.ROOT, "a whole number from %s to %s", least, most), value);
    }
  }

  /**
   * A number, both bounds included.
   *
   * @throws IllegalArgumentException in one line with key, range and value, if it lies outside
   */
  public void number(String key, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw wrong(
          key,
          String.format(Locale.ROOT, "a number from %s to %s", text(least), text(most)),
          value);
    }
  }

  /**
   * A divisor of a number.
   *
   * @param of the key of that number
   * @throws IllegalArgumentException in one line with both keys and values, if it does not divide
   *     it
   */
  public void divides(String key, int value, String of, int number) {
    if (number % value != 0) {
      throw wrong(
          key, String.format(Locale.ROOT, "a divisor of %s, which is %d", of, number), value);
    }
  }

  /**
   * A number that is at most another.
   *
   * @param of the key of that number
   * @throws IllegalArgumentException in one line with both keys and values, if it is more
   */
  public void most(String key, int value, String of, int most) {
    if (value > most) {
      throw wrong(key, String.format(Locale.ROOT, "at most %s, which is %d", of, most), value);
    }
  }

  private IllegalArgumentException wrong(String key, String wanted, Object value) {
    return new IllegalArgumentException(
        String.format(Locale.ROOT, "%s%s must be %s, not %s", place, key, wanted, value));
  }

  /** Whole numbers without a fraction. */
  private static String text(double bound) {
    return bound == Math.rint(bound) && Math.abs(bound) < 1e7
        ? Long.toString((long) bound)
        : Double.toString(bound);
  }
}
