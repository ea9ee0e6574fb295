package nacre.datasets.waymo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import nacre.datasets.parquet.ParquetFile;
import nacre.datasets.picture.EncodedPicture;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/**
 * The tables of one segment in version 2 of the data set, {@code ROOT/TABLE/SEGMENT.parquet},
 * joined by their keys. Columns are found by name and may be of any width; a camera is a number or
 * its name.
 *
 * @param root the folder of the tables
 * @param file the name of the segment's file in each of them
 */
record SegmentTables(Path root, String file) {
  static final String IMAGES = "camera_image";
  private static final String CALIBRATIONS = "camera_calibration";
  private static final String POSES = "vehicle_pose";
  private static final String BOXES = "lidar_box";
  private static final String PROJECTED = "projected_lidar_box";

  private static final String TIME = "key.frame_timestamp_micros";
  private static final String CAMERA = "key.camera_name";
  private static final String OBJECT = "key.laser_object_id";

  /** Numbers of a transform. */
  private static final int MATRIX = 16;

  private static final String TRANSFORM = ".transform";

  private static final String FRONT = "FRONT";
  private static final long FRONT_CODE = 1;

  private Path table(String name) {
    return root.resolve(name).resolve(file);
  }

  /**
   * Reads all but the pictures.
   *
   * @param pictures reads those when they are asked for
   */
  Segment read(FrontPictures pictures) throws IOException {
    WaymoCamera camera = camera();
    Map<Long, RigidPose> poses = poses();
    Map<Long, Map<String, LaserBox>> boxes = boxes();
    Map<Long, Map<String, Box2>> seen = hasProjected() ? projected(camera) : project(camera, boxes);
    TreeMap<Long, Segment.Sweep> sweeps = new TreeMap<>();
    try (ParquetFile images = ParquetFile.open(table(IMAGES))) {
      long[] times = images.longs(TIME);
      BitSet front = front(images);
      List<double[]> taken = images.vectors("[CameraImageComponent].pose" + TRANSFORM, MATRIX);
      int first = 0;
      for (int g = 0; g < images.rowGroups(); first += images.rows(g++)) {
        BitSet rows = front.get(first, first + images.rows(g));
        int nth = 0;
        for (int i = rows.nextSetBit(0); i >= 0; i = rows.nextSetBit(i + 1)) {
          int row = first + i;
          RigidPose vehicle = poses.get(times[row]);
          if (vehicle == null) {
            throw new IOException(
                String.format(
                    Locale.ROOT, "%s: has no row for the time %d", table(POSES), times[row]));
          }
          var picture = new FrontPictures.Place(images.path(), g, rows, nth++, row);
          Segment.Sweep sweep =
              new Segment.Sweep(
                  vehicle,
                  at(images, row, () -> RigidPose.ofMatrix(taken.get(row))),
                  boxes.getOrDefault(times[row], Map.of()),
                  seen.getOrDefault(times[row], Map.of()),
                  (w, h) ->
                      new EncodedPicture(pictures.read(picture), picture.toString()).rgb(w, h));
          if (sweeps.put(times[row], sweep) != null) {
            throw new IOException(
                String.format(
                    Locale.ROOT,
                    "%s: row %d: a second picture of the FRONT camera at the time %d",
                    images.path(),
                    row,
                    times[row]));
          }
        }
      }
    }
    if (sweeps.isEmpty()) {
      throw new IOException(table(IMAGES) + ": has no pictures of the FRONT camera");
    }
    return new Segment(camera, List.copyOf(sweeps.values()));
  }

  private WaymoCamera camera() throws IOException {
    try (ParquetFile file = ParquetFile.open(table(CALIBRATIONS))) {
      String component = "[CameraCalibrationComponent].";
      int row = front(file).nextSetBit(0);
      if (row < 0) {
        throw new IOException(file.path() + ": has no row of the FRONT camera");
      }
      String[] names = {"f_u", "f_v", "c_u", "c_v", "k1", "k2", "p1", "p2", "k3"};
      double[] intrinsic = new double[names.length];
      for (int k = 0; k < names.length; k++) {
        intrinsic[k] = file.doubles(component + "intrinsic." + names[k])[row];
      }
      double[] mounted = file.vectors(component + "extrinsic" + TRANSFORM, MATRIX).get(row);
      long width = file.longs(component + "width")[row];
      long height = file.longs(component + "height")[row];
      return at(
          file,
          row,
          () ->
              new WaymoCamera(
                  RigidPose.ofMatrix(mounted),
                  intrinsic,
                  Math.clamp(width, 0, Integer.MAX_VALUE),
                  Math.clamp(height, 0, Integer.MAX_VALUE)));
    }
  }

  private Map<Long, RigidPose> poses() throws IOException {
    try (ParquetFile file = ParquetFile.open(table(POSES))) {
      long[] times = file.longs(TIME);
      List<double[]> matrices =
          file.vectors("[VehiclePoseComponent].world_from_vehicle" + TRANSFORM, MATRIX);
      Map<Long, RigidPose> poses = new HashMap<>();
      for (int row = 0; row < times.length; row++) {
        double[] matrix = matrices.get(row);
        poses.put(times[row], at(file, row, () -> RigidPose.ofMatrix(matrix)));
      }
      return poses;
    }
  }

  /** The boxes of vehicles, by time and object. */
  private Map<Long, Map<String, LaserBox>> boxes() throws IOException {
    try (ParquetFile file = ParquetFile.open(table(BOXES))) {
      String component = "[LiDARBoxComponent].";
      long[] times = file.longs(TIME);
      List<String> ids = file.texts(OBJECT);
      long[] types = file.longs(component + "type");
      double[][] center = triple(file, component + "box.center.");
      double[][] size = triple(file, component + "box.size.");
      double[] heading = file.doubles(component + "box.heading");
      String counts = component + "num_lidar_points_in_box";
      long[] points = file.has(counts) ? file.longs(counts) : null;
      Map<Long, Map<String, LaserBox>> boxes = new HashMap<>();
      for (int i = 0; i < times.length; i++) {
        if (types[i] != LaserBox.VEHICLE) {
          continue;
        }
        int row = i;
        LaserBox box =
            at(
                file,
                row,
                () ->
                    new LaserBox(
                        new Vec3(center[0][row], center[1][row], center[2][row]),
                        new Vec3(size[0][row], size[1][row], size[2][row]),
                        heading[row],
                        points == null ? Long.MAX_VALUE : points[row]));
        boxes.computeIfAbsent(times[i], t -> new LinkedHashMap<>()).put(ids.get(i), box);
      }
      return boxes;
    }
  }

  private static double[][] triple(ParquetFile file, String prefix) throws IOException {
    return new double[][] {
      file.doubles(prefix + "x"), file.doubles(prefix + "y"), file.doubles(prefix + "z")
    };
  }

  private boolean hasProjected() {
    return Files.isDirectory(root.resolve(PROJECTED));
  }

  /** Where objects are in the picture, as the data set says. */
  private Map<Long, Map<String, Box2>> projected(WaymoCamera camera) throws IOException {
    try (ParquetFile file = ParquetFile.open(table(PROJECTED))) {
      String box = "[ProjectedLiDARBoxComponent].box.";
      long[] times = file.longs(TIME);
      List<String> ids = file.texts(OBJECT);
      BitSet front = front(file);
      double[] u = file.doubles(box + "center.x");
      double[] v = file.doubles(box + "center.y");
      double[] width = file.doubles(box + "size.x");
      double[] height = file.doubles(box + "size.y");
      Map<Long, Map<String, Box2>> seen = new HashMap<>();
      for (int i = front.nextSetBit(0); i >= 0; i = front.nextSetBit(i + 1)) {
        Box2 box2 = camera.around(u[i], v[i], width[i], height[i]);
        if (!box2.isEmpty()) {
          seen.computeIfAbsent(times[i], t -> new HashMap<>()).put(ids.get(i), box2);
        }
      }
      return seen;
    }
  }

  /** The same where that table was not downloaded. */
  private static Map<Long, Map<String, Box2>> project(
      WaymoCamera camera, Map<Long, Map<String, LaserBox>> boxes) {
    Map<Long, Map<String, Box2>> seen = new HashMap<>();
    boxes.forEach((time, labels) -> seen.put(time, camera.extents(labels)));
    return seen;
  }

  /** The rows of the FRONT camera. */
  private static BitSet front(ParquetFile file) throws IOException {
    BitSet front = new BitSet();
    if (file.isBinary(CAMERA)) {
      List<String> names = file.texts(CAMERA);
      for (int row = 0; row < names.size(); row++) {
        front.set(row, names.get(row).equals(FRONT));
      }
    } else {
      long[] codes = file.longs(CAMERA);
      for (int row = 0; row < codes.length; row++) {
        front.set(row, codes[row] == FRONT_CODE);
      }
    }
    return front;
  }

  @FunctionalInterface
  private interface Value<T> {
    T get();
  }

  /** A value that may be refused, with the place in the message. */
  private static <T> T at(ParquetFile file, int row, Value<T> value) throws IOException {
    try {
      return value.get();
    } catch (IllegalArgumentException e) {
      throw new IOException(
          String.format(Locale.ROOT, "%s: row %d: %s", file.path(), row, e.getMessage()), e);
    }
  }
}
