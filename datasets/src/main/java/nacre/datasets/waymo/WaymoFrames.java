package nacre.datasets.waymo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import nacre.datasets.tfrecord.Shard;
import nacre.datasets.tfrecord.ShardFiles;
import nacre.datasets.tfrecord.ShardedClips;
import nacre.neuralassets.scene.Scene;

/** The Waymo Open Dataset, version 1: TFRecord files, each a segment and a clip. */
final class WaymoFrames implements ShardedClips {
  private static final String SUFFIX = ".tfrecord";

  private final Path root;
  private final List<Shard> shards;
  private final int minPoints;

  private WaymoFrames(Path root, List<Shard> shards, int minPoints) {
    this.root = root;
    this.shards = shards;
    this.minPoints = minPoints;
  }

  /** Whether the first record of a file, or of the first file of a folder, is a frame. */
  static boolean isRoot(Path path) {
    try {
      return ShardFiles.beginsWith(files(path).getFirst(), FrameLayout.LAYOUT, FrameLayout.PICTURE);
    } catch (IOException e) {
      return false; // opening it by name says what is wrong
    }
  }

  private static List<Path> files(Path path) throws IOException {
    if (Files.isRegularFile(path)) {
      return List.of(path);
    }
    if (!Files.isDirectory(path)) {
      throw new IOException(path + ": is missing");
    }
    try (Stream<Path> files = Files.list(path)) {
      List<Path> found =
          files.filter(file -> file.getFileName().toString().endsWith(SUFFIX)).sorted().toList();
      if (found.isEmpty()) {
        throw new IOException(
            path
                + ": holds neither a folder camera_image (Waymo Open, version 2) nor files named"
                + " *.tfrecord (version 1)");
      }
      return found;
    }
  }

  @Override
  public List<Shard> shards() {
    return shards;
  }

  /**
   * Lists the segments of a folder, or opens one.
   *
   * @param minPoints returns of the lidar that must have fallen on an object
   */
  static WaymoFrames open(Path path, int minPoints) throws IOException {
    List<Shard> shards =
        files(path).stream().map(file -> new Shard(file, FrameLayout.LAYOUT)).toList();
    return new WaymoFrames(path, shards, minPoints);
  }

  @Override
  public int size() {
    return shards.size();
  }

  @Override
  public Scene scene(int index) throws IOException {
    return new FrameRecords(shards.get(index)).read().scene(minPoints);
  }

  @Override
  public String name(int index) {
    return shards.get(index).path().toString();
  }

  @Override
  public String id(int index) {
    String name = shards.get(index).path().getFileName().toString();
    return name.endsWith(SUFFIX) ? name.substring(0, name.length() - SUFFIX.length()) : name;
  }

  @Override
  public String describe() {
    return root + " (Waymo Open 1, FRONT camera, vehicles)";
  }
}
