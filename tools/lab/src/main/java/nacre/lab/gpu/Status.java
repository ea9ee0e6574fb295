package nacre.lab.gpu;

/** The status of a part of the check. */
enum Status {
  /** It ran, and found no error. */
  PASSED("passed"),
  /** It ran and found an error, or crashed. */
  FAILED("failed"),
  /** It exceeded its time limit. */
  TIMED_OUT("timed out"),
  /** It cannot run here: something it needs is not installed. */
  SKIPPED("skipped"),
  /** The time of the whole check was over, before it or during it. */
  NOT_RUN("not run");

  private final String text;

  Status(String text) {
    this.text = text;
  }

  /** The name in results. */
  @Override
  public String toString() {
    return text;
  }

  static Status of(String text) {
    for (Status status : values()) {
      if (status.text.equals(text)) {
        return status;
      }
    }
    throw new IllegalArgumentException("check: no result is called " + text);
  }

  /** Whether the part need not run again. */
  boolean isFinal() {
    return this != NOT_RUN;
  }

  /** Whether this is no failure: something that is not installed is no fault of the GPU. */
  boolean isGood() {
    return this == PASSED || this == SKIPPED;
  }
}
