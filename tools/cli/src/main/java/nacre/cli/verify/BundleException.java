package nacre.cli.verify;

import java.io.IOException;
import java.nio.file.Path;

/**
 * The error of a bundle that cannot be read, or whose module cannot be built; the message is one
 * line.
 */
final class BundleException extends IOException {
  private static final long serialVersionUID = 1L;

  BundleException(Path folder, String message) {
    super(folder + ": " + message);
  }

  BundleException(Path folder, String message, Throwable cause) {
    super(folder + ": " + message, cause);
  }
}
