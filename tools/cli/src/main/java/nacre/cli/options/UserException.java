package nacre.cli.options;

/**
 * The error of a request that cannot be fulfilled. Its message says why and what to do instead, in
 * one line that is complete without a stack trace.
 */
public final class UserException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * An error with its message.
   *
   * @param message what is wrong and what would be right
   */
  public UserException(String message) {
    super(message);
  }

  /**
   * An error with a cause.
   *
   * @param message what is wrong and what would be right
   * @param cause the exception behind it; {@code --debug} shows it
   */
  public UserException(String message, Throwable cause) {
    super(message, cause);
  }
}
