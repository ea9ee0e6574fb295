package nacre.datasets.waymo;

import java.io.IOException;
import java.nio.file.Path;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;

/**
 * The kind {@code waymo}: the Waymo Open Dataset, the vehicles that its FRONT camera sees. The
 * location is the folder with the tables of version 2, which has {@code camera_image}, {@code
 * camera_calibration}, {@code vehicle_pose}, {@code lidar_box} and, unless the boxes in the picture
 * are to be computed, {@code projected_lidar_box}; or a folder of TFRecord files of version 1, or
 * one of them.
 */
public final class WaymoProvider implements ClipSourceProvider {
  /** Objects on which no return of the lidar fell are hidden, whatever their boxes say. */
  private static final int MIN_POINTS = 1;

  /** For the service loader. */
  public WaymoProvider() {}

  @Override
  public String name() {
    return "waymo";
  }

  @Override
  public boolean recognizes(Path path) {
    return WaymoTables.isRoot(path) || WaymoFrames.isRoot(path);
  }

  @Override
  public ClipSource open(String location, Request request) throws IOException {
    Path path = Path.of(location);
    return WaymoTables.isRoot(path)
        ? WaymoTables.open(path, MIN_POINTS)
        : WaymoFrames.open(path, MIN_POINTS);
  }
}
