package nacre.datasets.movi;

import java.io.IOException;
import java.util.List;
import nacre.datasets.tfrecord.Shard;
import nacre.datasets.tfrecord.ShardFiles;
import nacre.datasets.tfrecord.ShardedClips;
import nacre.datasets.tfrecord.Shards;
import nacre.neuralassets.scene.Scene;

/** The videos of a split of MOVi-E: a record is a clip. */
public final class MoviClips implements ShardedClips {
  private final ShardFiles files;
  private final Shards shards;

  private MoviClips(ShardFiles files) throws IOException {
    this.files = files;
    shards = new Shards(files.paths(), MoviRecord.LAYOUT);
  }

  /**
   * Opens a shard or a split.
   *
   * @param location as {@link ShardFiles} has it
   * @throws IOException in one line, if there are no shards, or one cannot be read
   */
  public static MoviClips open(String location) throws IOException {
    return new MoviClips(ShardFiles.find(location));
  }

  @Override
  public List<Shard> shards() {
    return shards.all();
  }

  @Override
  public int size() {
    return shards.size();
  }

  @Override
  public Scene scene(int index) throws IOException {
    return MoviRecord.read(shards.record(index));
  }

  @Override
  public String name(int index) {
    return shards.name(index);
  }

  @Override
  public String id(int index) {
    return shards.id(index);
  }

  @Override
  public String describe() {
    return files.describe() + " (MOVi-E)";
  }
}
