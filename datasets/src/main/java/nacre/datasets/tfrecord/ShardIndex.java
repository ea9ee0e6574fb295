package nacre.datasets.tfrecord;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The records of a shard and the places of their parts.
 *
 * @param entries one a record, in the order of the file
 */
public record ShardIndex(List<Entry> entries) {
  /** Copies the list. */
  public ShardIndex {
    entries = List.copyOf(entries);
  }

  /**
   * A record.
   *
   * @param place in the file
   * @param crc masked checksum of the payload
   * @param frames number of frames
   * @param parts the places of its parts, by name
   * @param fault why it cannot be read, in one line without the file's name; null if it can
   */
  public record Entry(
      RecordFile.Place place, int crc, int frames, Map<String, List<Span>> parts, String fault) {}

  /** Reads all of a shard; records that are damaged have an entry that says so. */
  static ShardIndex build(RecordFile file, RecordLayout layout) throws IOException {
    List<Entry> entries = new ArrayList<>();
    for (RecordFile.Place place : file.places()) {
      entries.add(entry(file, place, layout));
    }
    return new ShardIndex(entries);
  }

  private static Entry entry(RecordFile file, RecordFile.Place place, RecordLayout layout)
      throws IOException {
    if (place.fault() != null) {
      return faulty(file, place, place.fault());
    }
    ByteBuffer payload;
    RecordLayout.Contents contents;
    try {
      payload = file.payload(place);
      contents = layout.describe(payload.duplicate(), file.where(place));
    } catch (RecordException e) {
      return faulty(file, place, e.getMessage());
    }
    Map<String, List<Span>> parts = new LinkedHashMap<>();
    contents.parts().forEach((name, some) -> parts.put(name, spans(place, payload, some)));
    return new Entry(place, RecordFile.crc(payload), contents.frames(), parts, null);
  }

  private static List<Span> spans(
      RecordFile.Place place, ByteBuffer payload, List<RecordLayout.Part> parts) {
    List<Span> spans = new ArrayList<>(parts.size());
    for (RecordLayout.Part part : parts) {
      int crc = MaskedCrc.of(payload.slice(part.offset(), part.length()));
      spans.add(new Span(place.offset() + part.offset(), part.length(), crc));
    }
    return spans;
  }

  /** The file's name is left out, since files move. */
  private static Entry faulty(RecordFile file, RecordFile.Place place, String fault) {
    String prefix = file.path() + ": ";
    String rest = fault.startsWith(prefix) ? fault.substring(prefix.length()) : fault;
    return new Entry(place, 0, 0, Map.of(), rest);
  }
}
