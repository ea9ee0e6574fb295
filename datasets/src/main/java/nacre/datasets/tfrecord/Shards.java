package nacre.datasets.tfrecord;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The records of all shards of a split, counted through. Several threads may read at once. */
public final class Shards {
  private final List<Shard> shards = new ArrayList<>();

  /** The number of the first record of each shard, and of all records. */
  private final int[] firsts;

  /**
   * Counts the records of shards, for which only their framing is read.
   *
   * @throws IOException in one line, if a shard cannot be read
   */
  public Shards(List<Path> paths, RecordLayout layout) throws IOException {
    firsts = new int[paths.size() + 1];
    for (int i = 0; i < paths.size(); i++) {
      Shard shard = new Shard(paths.get(i), layout);
      shards.add(shard);
      firsts[i + 1] = Math.addExact(firsts[i], shard.records());
    }
  }

  /** The number of records. */
  public int size() {
    return firsts[shards.size()];
  }

  /** The shards. */
  public List<Shard> all() {
    return List.copyOf(shards);
  }

  private int shard(int record) {
    if (record < 0 || record >= size()) {
      throw new IndexOutOfBoundsException("record " + record + " of " + size());
    }
    int at = Arrays.binarySearch(firsts, record);
    if (at < 0) {
      return -at - 2;
    }
    while (firsts[at + 1] == record) { // shards without records
      at++;
    }
    return at;
  }

  /**
   * A record.
   *
   * @throws IOException in one line that names file, record and offset, if it is damaged
   */
  public Shard.Parts record(int index) throws IOException {
    int shard = shard(index);
    return shards.get(shard).record(index - firsts[shard]);
  }

  /** The place of a record: its file, a colon and its number in it. */
  public String name(int index) {
    int shard = shard(index);
    return shards.get(shard).path() + ":" + (index - firsts[shard]);
  }

  /** The name without the folder. */
  public String id(int index) {
    int shard = shard(index);
    return shards.get(shard).path().getFileName() + ":" + (index - firsts[shard]);
  }
}
