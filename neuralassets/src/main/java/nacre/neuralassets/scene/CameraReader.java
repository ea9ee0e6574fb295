package nacre.neuralassets.scene;

import java.util.ArrayList;
import java.util.List;

/** The reader of the "camera" part of scene.json. */
final class CameraReader {
  /** The tolerance for the rotation of a camera matrix; float32 files are well within it. */
  private static final double TOLERANCE = 1e-3;

  private CameraReader() {}

  static List<Camera> read(JsonPlace place, int frames, double aspect) throws SceneFormatException {
    place.allowOnly(
        "intrinsics",
        "focal_length",
        "sensor_width",
        "camera_to_world",
        "positions",
        "quaternions",
        "notes");
    place.notBoth("intrinsics", "focal_length");
    place.notBoth("camera_to_world", "positions");
    List<Intrinsics> intrinsics = intrinsics(place, frames, aspect);
    List<RigidPose> poses = poses(place, frames);
    List<Camera> cameras = new ArrayList<>(frames);
    for (int t = 0; t < frames; t++) {
      cameras.add(new Camera(poses.get(t), intrinsics.get(t)));
    }
    return cameras;
  }

  private static List<Intrinsics> intrinsics(JsonPlace place, int frames, double aspect)
      throws SceneFormatException {
    List<Intrinsics> all = new ArrayList<>(frames);
    if (place.has("intrinsics")) {
      JsonPlace given = place.get("intrinsics");
      List<JsonPlace> entries = given.elements();
      if (!entries.isEmpty() && entries.getFirst().node().isNumber()) {
        Intrinsics one = intrinsics(given);
        for (int t = 0; t < frames; t++) {
          all.add(one);
        }
        return all;
      }
      for (JsonPlace entry : given.elements(frames, "one a frame, or four numbers for all")) {
        all.add(intrinsics(entry));
      }
      return all;
    }
    if (!place.has("focal_length")) {
      throw place.wrong(
          "has neither \"intrinsics\" nor \"focal_length\"",
          "give intrinsics [fx, fy, cx, cy] in image units, or focal_length and sensor_width");
    }
    double focal = place.get("focal_length").positive();
    double sensor = place.get("sensor_width").positive();
    Intrinsics lens = Intrinsics.ofLens(focal, sensor, sensor / aspect);
    for (int t = 0; t < frames; t++) {
      all.add(lens);
    }
    return all;
  }

  private static Intrinsics intrinsics(JsonPlace place) throws SceneFormatException {
    double[] k = place.numbers(4, "fx, fy, cx and cy in image units");
    if (!(k[0] > 0 && k[1] > 0)) {
      throw place.wrong("has a focal length that is not positive", "fx and fy must be positive");
    }
    if (k[0] > 50 || k[1] > 50) {
      throw place.wrong(
          "looks as if it were in pixels",
          "divide fx and cx by the width, fy and cy by the height");
    }
    return new Intrinsics(k[0], k[1], k[2], k[3]);
  }

  private static List<RigidPose> poses(JsonPlace place, int frames) throws SceneFormatException {
    List<RigidPose> poses = new ArrayList<>(frames);
    if (place.has("camera_to_world")) {
      for (JsonPlace m : place.get("camera_to_world").elements(frames, "one a frame")) {
        poses.add(matrix(m));
      }
      return poses;
    }
    if (!place.has("positions")) {
      throw place.wrong(
          "has neither \"camera_to_world\" nor \"positions\"",
          "give a 4×4 matrix a frame, or positions and quaternions");
    }
    List<JsonPlace> positions = place.get("positions").elements(frames, "one a frame");
    List<JsonPlace> turns = place.get("quaternions").elements(frames, "one a frame");
    for (int t = 0; t < frames; t++) {
      poses.add(new RigidPose(turns.get(t).quaternion(), positions.get(t).vec3()));
    }
    return poses;
  }

  private static RigidPose matrix(JsonPlace place) throws SceneFormatException {
    List<JsonPlace> rows = place.elements(4, "the rows of a 4×4 matrix");
    double[][] m = new double[4][];
    for (int i = 0; i < 4; i++) {
      m[i] = rows.get(i).numbers(4, "a row of a 4×4 matrix");
    }
    double[] last = m[3];
    if (Math.abs(last[0]) + Math.abs(last[1]) + Math.abs(last[2]) + Math.abs(last[3] - 1)
        > TOLERANCE) {
      throw rows.get(3)
          .wrong(
              "is not 0, 0, 0, 1", "matrices are row by row, the translation in the last column");
    }
    Vec3 x = new Vec3(m[0][0], m[1][0], m[2][0]);
    Vec3 y = new Vec3(m[0][1], m[1][1], m[2][1]);
    Vec3 z = new Vec3(m[0][2], m[1][2], m[2][2]);
    double off =
        Math.max(
            Math.max(Math.abs(x.length() - 1), Math.abs(y.length() - 1)),
            Math.max(Math.abs(z.length() - 1), x.cross(y).minus(z).length()));
    if (!(off < TOLERANCE)) {
      boolean mirrored = x.cross(y).plus(z).length() < TOLERANCE;
      throw place.wrong(
          mirrored ? "is a mirror image (determinant −1)" : "is not a rotation and a translation",
          "camera axes are X right, Y up, −Z forward, all of length 1");
    }
    return new RigidPose(Quaternion.ofColumns(x, y, z), new Vec3(m[0][3], m[1][3], m[2][3]));
  }
}
