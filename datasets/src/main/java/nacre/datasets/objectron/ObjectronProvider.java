package nacre.datasets.objectron;

import java.io.IOException;
import java.nio.file.Path;
import nacre.datasets.tfrecord.ShardFiles;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;

/**
 * The kind {@code objectron}: the TFRecords of Objectron, videos ({@code sequences}) or single
 * frames ({@code records_shuffled}). The location is a shard, a folder of shards, or a folder, a
 * {@code #} and a split, see {@link ShardFiles}.
 */
public final class ObjectronProvider implements ClipSourceProvider {
  /** For the service loader. */
  public ObjectronProvider() {}

  @Override
  public String name() {
    return "objectron";
  }

  @Override
  public boolean recognizes(Path path) {
    return ShardFiles.firstHas(path, ObjectronClips.LAYOUT, Annotation.POINTS);
  }

  @Override
  public ClipSource open(String location, Request request) throws IOException {
    return ObjectronClips.open(location);
  }
}
