package nacre.cli.options;

/**
 * The error of a command line that cannot be meant: a name that is not known, a value outside of
 * its range, options that exclude each other. The command ends with status 2. Its message is one
 * line that says what was given and what is accepted.
 */
public final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * An error with its message.
   *
   * @param message what was given and what is accepted
   */
  public UsageException(String message) {
    super(message);
  }

  /**
   * An error with a cause.
   *
   * @param message what was given and what is accepted
   * @param cause the exception behind it; {@code --debug} shows it
   */
  public UsageException(String message, Throwable cause) {
    super(message, cause);
  }
}
