package nacre.neuralassets.scene;

/**
 * Pose vectors: the twelve numbers that give the model a pose (Neural Assets, section 3.2).
 *
 * <p>For an object: (u, v, depth) of box corners 0, 1, 2 and 4 in the target camera, u and v in
 * image units and not clipped, depth in scene units. For the background: the relative camera pose.
 */
public final class PoseVector {
  /** The length of a pose vector. */
  public static final int LENGTH = 12;

  private PoseVector() {}

  /** Returns [u0, v0, d0, u1, v1, d1, u2, v2, d2, u4, v4, d4] of a box in a camera. */
  public static float[] ofBox(Box3 box, Camera camera) {
    float[] pose = new float[LENGTH];
    for (int i = 0; i < Box3.FRAME.length; i++) {
      Projection p = camera.project(box.corner(Box3.FRAME[i]));
      pose[3 * i] = (float) p.u();
      pose[3 * i + 1] = (float) p.v();
      pose[3 * i + 2] = (float) p.depth();
    }
    return pose;
  }

  /** The box that has this pose in this camera; undoes {@link #ofBox} up to float rounding. */
  public static Box3 toBox(float[] pose, Camera camera) {
    if (pose.length != LENGTH) {
      throw new IllegalArgumentException(
          "an object's pose has " + LENGTH + " numbers, not " + pose.length);
    }
    Vec3[] p = new Vec3[4];
    for (int i = 0; i < 4; i++) {
      p[i] = camera.unproject(new Projection(pose[3 * i], pose[3 * i + 1], pose[3 * i + 2]));
    }
    return Box3.ofFrame(p[0], p[1], p[2], p[3]);
  }

  /**
   * The background's pose: {@code inverse(target cameraToWorld) · (source cameraToWorld)}, nine
   * numbers of the rotation row by row, then the translation. Identity for the source frame itself.
   */
  public static float[] ofBackground(Camera source, Camera target) {
    RigidPose relative = target.cameraToWorld().inverse().after(source.cameraToWorld());
    double[] rotation = relative.rotation().toMatrix();
    float[] pose = new float[LENGTH];
    for (int i = 0; i < 9; i++) {
      pose[i] = (float) rotation[i];
    }
    pose[9] = (float) relative.translation().x();
    pose[10] = (float) relative.translation().y();
    pose[11] = (float) relative.translation().z();
    return pose;
  }
}
