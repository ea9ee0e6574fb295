package nacre.diffusion;

import java.util.Locale;
import nacre.tensor.Tensor;

/**
 * The error of a model that computes values that are not numbers: its weights are damaged, its
 * training diverged, or it is sampled in a way that does not suit it.
 */
public final class NotFiniteException extends ArithmeticException {
  private static final long serialVersionUID = 1L;

  private NotFiniteException(String message) {
    super(message);
  }

  /**
   * Requires all elements to be finite; waits until they are computed.
   *
   * @param what the tensor is, {@code "the picture"}
   * @throws NotFiniteException if one is NaN or infinite, in one line that says how many
   */
  public static void check(Tensor tensor, String what) {
    float[] values = tensor.toFloats();
    int wrong = 0;
    for (float value : values) {
      wrong += Float.isFinite(value) ? 0 : 1;
    }
    if (wrong > 0) {
      throw new NotFiniteException(
          String.format(
              Locale.ROOT,
              "%s: %,d of %,d values are NaN or infinite",
              what,
              wrong,
              values.length));
    }
  }
}
