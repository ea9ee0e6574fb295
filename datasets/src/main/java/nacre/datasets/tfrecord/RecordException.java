package nacre.datasets.tfrecord;

import java.io.IOException;

/** A record that is damaged, or holds something else than it should; in one line. */
public final class RecordException extends IOException {
  private static final long serialVersionUID = 1L;

  /** With a message that names file, record and offset. */
  public RecordException(String message) {
    super(message);
  }

  /** With a message that names file, record and offset. */
  public RecordException(String message, Throwable cause) {
    super(message, cause);
  }
}
