package nacre.datasets.tfrecord;

import java.io.IOException;
import java.util.Locale;

/** Rows of different lengths, which a data set stores as two features: all values, and lengths. */
public final class Ragged {
  private Ragged() {}

  /**
   * Checks that lengths of rows add up to the values.
   *
   * @param lengths the feature with the number of elements of each row
   * @param rows how many rows there must be
   * @param values the number of values there are
   * @param width values of an element
   * @throws RecordException if they do not
   */
  public static void check(Feature lengths, int rows, int values, int width) throws IOException {
    long sum = 0;
    for (long length : lengths.ints(rows)) {
      if (length < 0 || length > values) {
        throw lengths.wrong(
            String.format(
                Locale.ROOT, "has a row of %d elements, but there are %d values", length, values));
      }
      sum += length;
    }
    if (sum * width != values) {
      throw lengths.wrong(
          String.format(
              Locale.ROOT,
              "adds up to %d elements of %d, but there are %d values",
              sum,
              width,
              values));
    }
  }
}
