package nacre.datasets.objectron;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.datasets.tfrecord.Feature;
import nacre.datasets.tfrecord.RecordException;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Vec3;

/**
 * What Objectron knows of a frame.
 *
 * @param width of the picture in pixels
 * @param height of the picture in pixels
 * @param camera that took it
 * @param objects in the order of the record
 */
record Annotation(int width, int height, Camera camera, List<Instance> objects) {
  static final String PICTURE = "image/encoded";
  static final String VIEW = "camera/view";
  private static final String WIDTH = "image/width";
  private static final String HEIGHT = "image/height";
  private static final String PROJECTION = "camera/projection";
  static final String POINTS = "point_3d";
  private static final String POINT_COUNTS = "point_num";
  private static final String COUNT = "instance_num";
  private static final String NAMES = "object/name";
  private static final String VISIBILITY = "object/visibility";

  /** The features that are read of a frame, but for its picture. */
  static final List<String> FEATURES =
      List.of(WIDTH, HEIGHT, VIEW, PROJECTION, POINTS, POINT_COUNTS, COUNT, NAMES, VISIBILITY);

  /** The center of a box and its eight corners. */
  private static final int KEYPOINTS = 9;

  private static final int MOST_PIXELS = 1 << 24;

  /**
   * An object of a frame.
   *
   * @param name its class, such as chair
   * @param box in the world, as it was annotated: edges need not be at right angles
   * @param depth of the corner that is nearest to the camera, in meters
   * @param visibility how much of it is in the picture, from 0 to 1
   */
  record Instance(String name, Box3 box, double depth, double visibility) {}

  /**
   * Reads the features of a frame.
   *
   * @param where the frame is, for messages
   * @throws RecordException in one line, if one is missing, of the wrong type or of a wrong length
   */
  static Annotation of(Map<String, Feature> features, String where) throws IOException {
    int width = side(features, WIDTH, where);
    int height = side(features, HEIGHT, where);
    if ((long) width * height > MOST_PIXELS) {
      throw new RecordException(
          String.format(Locale.ROOT, "%s: claims a picture of %d×%d pixels", where, width, height));
    }
    float[] view = want(features, VIEW, where).floats(PhoneCamera.MATRIX);
    float[] projection = want(features, PROJECTION, where).floats(PhoneCamera.MATRIX);
    Camera camera;
    try {
      camera = PhoneCamera.of(view, projection);
    } catch (IllegalArgumentException e) {
      throw new RecordException(where + ": " + e.getMessage(), e);
    }
    return new Annotation(width, height, camera, instances(features, camera, where));
  }

  private static List<Instance> instances(
      Map<String, Feature> features, Camera camera, String where) throws IOException {
    long count = want(features, COUNT, where).ints(1)[0];
    Feature points = want(features, POINTS, where);
    float[] xyz = points.floats();
    if (count < 0 || count * KEYPOINTS * 3 != xyz.length) {
      throw points.wrong(
          String.format(
              Locale.ROOT,
              "has %d values; %d objects of 9 points have %d",
              xyz.length,
              count,
              count * KEYPOINTS * 3));
    }
    int n = (int) count;
    Feature counts = features.get(POINT_COUNTS);
    if (counts != null) {
      for (long each : counts.ints(n)) {
        if (each != KEYPOINTS) {
          throw counts.wrong("has an object of " + each + " points; a box has 9");
        }
      }
    }
    List<String> names = features.containsKey(NAMES) ? features.get(NAMES).texts() : List.of();
    Feature seen = features.get(VISIBILITY);
    float[] visibility = seen == null ? new float[0] : seen.floats();
    if (visibility.length != 0 && visibility.length != n) {
      throw seen.wrong(
          String.format(Locale.ROOT, "has %d values for %d objects", visibility.length, n));
    }
    List<Instance> objects = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      List<Vec3> corners = new ArrayList<>();
      double depth = Double.POSITIVE_INFINITY;
      for (int k = 1; k < KEYPOINTS; k++) {
        int at = 3 * (i * KEYPOINTS + k);
        Vec3 point = PhoneCamera.upright(new Vec3(xyz[at], xyz[at + 1], xyz[at + 2]));
        if (!point.isFinite()) {
          throw points.wrong("has a value that is no number");
        }
        depth = Math.min(depth, -point.z());
        corners.add(camera.cameraToWorld().apply(point));
      }
      String name = i < names.size() && !names.get(i).isBlank() ? names.get(i) : "object";
      objects.add(
          new Instance(name, new Box3(corners), depth, visibility.length == 0 ? 1 : visibility[i]));
    }
    return objects;
  }

  private static int side(Map<String, Feature> features, String name, String where)
      throws IOException {
    Feature feature = want(features, name, where);
    long side = feature.ints(1)[0];
    if (side < 1 || side > Short.MAX_VALUE) {
      throw feature.wrong("is " + side);
    }
    return (int) side;
  }

  private static Feature want(Map<String, Feature> features, String name, String where)
      throws RecordException {
    Feature feature = features.get(name);
    if (feature == null) {
      throw new RecordException(where + ": " + name + " is missing");
    }
    return feature;
  }
}
