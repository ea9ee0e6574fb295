package nacre.tensor.spi;

/** Why ranks could not exchange tensors, in one line that names the rank where it is known. */
public final class CollectiveException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** With a line for users. */
  public CollectiveException(String message) {
    super(message);
  }

  /** With a line for users, and what it came from. */
  public CollectiveException(String message, Throwable cause) {
    super(message, cause);
  }
}
