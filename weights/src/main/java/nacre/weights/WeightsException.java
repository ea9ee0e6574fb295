package nacre.weights;

import java.io.IOException;
import java.nio.file.Path;

/** A weight file that cannot be read or does not fit, told in one line for the user. */
public final class WeightsException extends IOException {
  private static final long serialVersionUID = 1L;

  /** {@code file: what is wrong}. */
  public WeightsException(Path file, String message) {
    super(file + ": " + message);
  }

  /** {@code file: what is wrong}, with the failure behind it. */
  public WeightsException(Path file, String message, Throwable cause) {
    super(file + ": " + message, cause);
  }
}
