package nacre.weights;

import java.io.IOException;
import java.nio.file.Path;

/** The error of a weight file that cannot be read or does not fit, in one line for the user. */
public final class WeightsException extends IOException {
  private static final long serialVersionUID = 1L;

  /** {@code file: what is wrong}. */
  public WeightsException(Path file, String message) {
    super(file + ": " + message);
  }

  /** {@code file: what is wrong}, with its cause. */
  public WeightsException(Path file, String message, Throwable cause) {
    super(file + ": " + message, cause);
  }
}
