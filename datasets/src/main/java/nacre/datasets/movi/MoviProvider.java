package nacre.datasets.movi;

import java.io.IOException;
import java.nio.file.Path;
import nacre.datasets.tfrecord.ShardFiles;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;

/**
 * The kind {@code movi-e}: TFRecords of MOVi-E, or of another of the MOVi data sets, as TensorFlow
 * Datasets has them. The location is a shard, a folder of shards, or a folder, a {@code #} and a
 * split, see {@link ShardFiles}.
 */
public final class MoviProvider implements ClipSourceProvider {
  /** For the service loader. */
  public MoviProvider() {}

  @Override
  public String name() {
    return "movi-e";
  }

  @Override
  public boolean recognizes(Path path) {
    return ShardFiles.firstHas(path, MoviRecord.LAYOUT, MoviRecord.BOXES);
  }

  @Override
  public ClipSource open(String location, Request request) throws IOException {
    return MoviClips.open(location);
  }
}
