package nacre.cli.options;

/**
 * Something that the user asked for cannot be done, and the message says why and what to do
 * instead: one line, complete without a stack trace.
 */
public final class UserException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Refuses what the user asked for.
   *
   * @param message what is wrong and what would be right
   */
  public UserException(String message) {
    super(message);
  }

  /**
   * Refuses what the user asked for, because of something that was caught.
   *
   * @param message what is wrong and what would be right
   * @param cause what was caught; {@code --debug} shows it
   */
  public UserException(String message, Throwable cause) {
    super(message, cause);
  }
}
