package nacre.datasets.tfrecord;

import java.util.List;
import nacre.neuralassets.data.ClipSource;

/** A data set in shards, whose indexes are made when they are needed, or ahead. */
public interface ShardedClips extends ClipSource {
  /** The shards. */
  List<Shard> shards();
}
