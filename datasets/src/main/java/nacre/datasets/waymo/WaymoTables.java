package nacre.datasets.waymo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.scene.Scene;

/**
 * The Waymo Open Dataset, version 2: a folder of tables, each with a Parquet file a segment. A
 * segment is a clip.
 */
final class WaymoTables implements ClipSource {
  private static final String SUFFIX = ".parquet";

  /** The share of the Java heap that encoded pictures take. */
  private static final int SHARE = 16;

  private final Path root;
  private final List<String> segments;
  private final int minPoints;
  private final FrontPictures pictures =
      new FrontPictures(Runtime.getRuntime().maxMemory() / SHARE);

  private WaymoTables(Path root, List<String> segments, int minPoints) {
    this.root = root;
    this.segments = segments;
    this.minPoints = minPoints;
  }

  /** Whether a folder has a table of pictures. */
  static boolean isRoot(Path path) {
    return Files.isDirectory(path.resolve(SegmentTables.IMAGES));
  }

  /**
   * Lists the segments.
   *
   * @param minPoints returns of the lidar that must have fallen on an object
   */
  static WaymoTables open(Path root, int minPoints) throws IOException {
    Path images = root.resolve(SegmentTables.IMAGES);
    try (Stream<Path> files = Files.list(images)) {
      List<String> segments =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(SUFFIX))
              .map(name -> name.substring(0, name.length() - SUFFIX.length()))
              .sorted()
              .toList();
      if (segments.isEmpty()) {
        throw new IOException(images + ": holds no Parquet files");
      }
      return new WaymoTables(root, segments, minPoints);
    }
  }

  @Override
  public int size() {
    return segments.size();
  }

  @Override
  public Scene scene(int index) throws IOException {
    return new SegmentTables(root, segments.get(index) + SUFFIX).read(pictures).scene(minPoints);
  }

  @Override
  public String name(int index) {
    return root.resolve(SegmentTables.IMAGES).resolve(segments.get(index) + SUFFIX).toString();
  }

  @Override
  public String id(int index) {
    return segments.get(index);
  }

  @Override
  public String describe() {
    return root + " (Waymo Open 2, FRONT camera, vehicles)";
  }
}
