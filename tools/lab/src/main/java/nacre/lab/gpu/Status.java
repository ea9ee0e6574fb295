package nacre.lab.gpu;

/** What became of a part of the check. */
enum Status {
  /** It ran, and what it found is right. */
  PASSED("passed"),
  /** It ran and found something wrong, or broke down. */
  FAILED("failed"),
  /** It ran longer than it may. */
  TIMED_OUT("timed out"),
  /** It cannot run here: something it needs is not installed. */
  SKIPPED("skipped"),
  /** The time of the whole check was over, before it or during it. */
  NOT_RUN("not run");

  private final String text;

  Status(String text) {
    this.text = text;
  }

  /** As results have it. */
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

  /** Whether all is well so far: what is not installed is no fault of the card's. */
  boolean isGood() {
    return this == PASSED || this == SKIPPED;
  }
}
