package nacre.datasets.tfrecord;

import java.io.IOException;

/** A record whose parts are read singly. Several threads may read at once. */
public interface RecordParts {
  /** The record in messages: file, number and offset. */
  String where();

  /** How many pieces of a part there are; 0 if it is missing. */
  int count(String part);

  /**
   * Reads a piece and checks it.
   *
   * @throws IOException in one line that names file, record and offset, if there is none, or it is
   *     damaged
   */
  byte[] read(String part, int piece) throws IOException;

  /** A feature of the record, as {@link #read} of its only piece. */
  default Feature feature(String name) throws IOException {
    return new Feature(name, read(name, 0), where());
  }
}
