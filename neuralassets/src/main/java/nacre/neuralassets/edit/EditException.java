package nacre.neuralassets.edit;

/** The error of an edit that cannot be parsed or applied; the message is one line for the user. */
public final class EditException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error with its message. */
  public EditException(String message) {
    super(message);
  }
}
