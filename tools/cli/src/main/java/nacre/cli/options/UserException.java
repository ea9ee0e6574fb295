package nacre.cli.options;

/**
 * Something that the user asked for cannot be done, and the message says why and what to do
 * instead: one line, complete without a stack trace.
 */
public final class UserException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what is wrong and what would be right
   */
  public UserException(String message) {
    super(message);
  }

  /**
   * @param message what is wrong and what would be right
   * @param cause what was caught; {@code --debug} shows it
   */
  public UserException(String message, Throwable cause) {
    super(message, cause);
  }
}
