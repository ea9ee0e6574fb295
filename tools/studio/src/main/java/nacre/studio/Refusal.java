package nacre.studio;

/**
 * A request that is answered with an error: a status and one line, what was wrong and what to do.
 */
final class Refusal extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int status;

  Refusal(int status, String message) {
    super(message);
    this.status = status;
  }

  /** A request that cannot be meant. */
  static Refusal bad(String message) {
    return new Refusal(400, message);
  }

  /** Something that is not there. */
  static Refusal missing(String message) {
    return new Refusal(404, message);
  }

  int status() {
    return status;
  }
}
