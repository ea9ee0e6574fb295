package nacre.datasets;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import nacre.datasets.tfrecord.RecordException;
import nacre.datasets.tfrecord.RecordLayout;
import nacre.datasets.tfrecord.RecordParts;

/** A record in memory, with its parts as an index would find them. */
public final class MemoryRecord implements RecordParts {
  private final byte[] payload;
  private final Map<String, List<RecordLayout.Part>> parts;

  /** The record of a payload. */
  public MemoryRecord(byte[] payload, RecordLayout layout) throws RecordException {
    this.payload = payload;
    parts = layout.describe(ByteBuffer.wrap(payload), where()).parts();
  }

  @Override
  public String where() {
    return "here";
  }

  @Override
  public int count(String part) {
    return parts.getOrDefault(part, List.of()).size();
  }

  @Override
  public byte[] read(String part, int piece) throws RecordException {
    if (piece >= count(part)) {
      throw new RecordException(where() + ": has no " + part);
    }
    RecordLayout.Part place = parts.get(part).get(piece);
    return Arrays.copyOfRange(payload, place.offset(), place.offset() + place.length());
  }
}
