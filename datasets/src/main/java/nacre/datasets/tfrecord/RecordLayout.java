package nacre.datasets.tfrecord;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/** What an index keeps of a kind of record, so that its parts can be read singly afterwards. */
public interface RecordLayout {
  /** The kind and its version; an index that was made by another is made anew. */
  String name();

  /**
   * Finds the parts of a record.
   *
   * @param payload all of it; it may be hostile
   * @param where the record is, for messages
   * @throws RecordException in one line, if it is no such record
   */
  Contents describe(ByteBuffer payload, String where) throws RecordException;

  /**
   * The parts of a record.
   *
   * @param frames number of frames
   * @param parts by name: the places of each within the payload
   */
  record Contents(int frames, Map<String, List<Part>> parts) {}

  /**
   * Some bytes of a payload.
   *
   * @param offset from the start of the payload
   * @param length their number
   */
  record Part(int offset, int length) {}
}
