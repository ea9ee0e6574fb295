package nacre.neuralassets.edit;

/** An edit that cannot be understood or carried out; the message is one line for the user. */
public final class EditException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Makes one with its message. */
  public EditException(String message) {
    super(message);
  }
}
