package nacre.datasets.tfrecord;

import java.io.IOException;
import java.lang.ref.SoftReference;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * A shard whose records are read in parts, by an index that is made when it is first needed and
 * kept beside the shard. Several threads may read at once.
 */
public final class Shard {
  private final RecordFile file;
  private final RecordLayout layout;
  private SoftReference<ShardIndex> index = new SoftReference<>(null);
  private int records = -1;

  /** The shard in a file, of which nothing is read yet. */
  public Shard(Path path, RecordLayout layout) {
    this.file = new RecordFile(path, OpenFiles.shared());
    this.layout = layout;
  }

  /** The file. */
  public Path path() {
    return file.path();
  }

  /**
   * The number of records, counting one for all that cannot be read since the framing is damaged.
   * Where there is no index yet, only the framing is read.
   */
  public synchronized int records() throws IOException {
    if (records < 0) {
      ShardIndex found = IndexFile.find(file, layout);
      index = new SoftReference<>(found);
      records = found != null ? found.entries().size() : file.places().size();
    }
    return records;
  }

  /** The index, made if there is none. */
  public synchronized ShardIndex index() throws IOException {
    ShardIndex known = index.get();
    if (known == null) {
      known = IndexFile.of(file, layout);
      index = new SoftReference<>(known);
    }
    return known;
  }

  /**
   * A record.
   *
   * @param number from 0
   * @throws IOException in one line that names file, record and offset, if it is damaged
   */
  public Parts record(int number) throws IOException {
    List<ShardIndex.Entry> entries = index().entries();
    if (number >= entries.size()) {
      throw new IOException(
          String.format(
              Locale.ROOT, "%s: has no record %d any more; it was changed", path(), number));
    }
    ShardIndex.Entry entry = entries.get(number);
    if (entry.fault() != null) {
      throw new RecordException(path() + ": " + entry.fault());
    }
    return new Parts(file, entry);
  }

  /**
   * A record whose parts are read singly.
   *
   * @param file of the shard
   * @param entry its places
   */
  public record Parts(RecordFile file, ShardIndex.Entry entry) implements RecordParts {
    @Override
    public String where() {
      return file.where(entry.place());
    }

    @Override
    public int count(String part) {
      return entry.parts().getOrDefault(part, List.of()).size();
    }

    @Override
    public byte[] read(String part, int piece) throws IOException {
      if (piece >= count(part)) {
        throw new RecordException(
            piece == 0
                ? where() + ": has no " + part
                : String.format(
                    Locale.ROOT,
                    "%s: has %d of %s, not %d",
                    where(),
                    count(part),
                    part,
                    piece + 1));
      }
      Span span = entry.parts().get(part).get(piece);
      return file.read(span, where() + ": " + part + "[" + piece + "]");
    }
  }
}
