package nacre.evaluation.baseline;

import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * A background seen by another camera: the ground by the homography of its plane, what is above the
 * horizon as if it were infinitely far away.
 *
 * @param up unit vector
 * @param height of the ground along it
 */
record GroundWarp(Vec3 up, double height) {
  /** The ground on which the lowest object of a frame stands; null if there is no object. */
  static GroundWarp under(SceneFrame frame, Vec3 up) {
    double lowest = Double.POSITIVE_INFINITY;
    for (Box3 box : frame.boxes()) {
      for (int i = 0; box != null && i < 8; i++) {
        lowest = Math.min(lowest, box.corner(i).dot(up));
      }
    }
    return Double.isFinite(lowest) ? new GroundWarp(up, lowest) : null;
  }

  /**
   * The background in another camera.
   *
   * @param background {@code [S, S, 3]} without objects
   * @param unseen set to true for pixels that the first camera did not see
   */
  float[] see(float[] background, int size, Camera from, Camera to, boolean[] unseen) {
    float[] seen = new float[background.length];
    double[] rgba = new double[4];
    Vec3 eye = to.cameraToWorld().translation();
    Vec3 old = from.cameraToWorld().translation();
    double above = eye.dot(up) - height;
    for (int i = 0; i < unseen.length; i++) {
      Vec3 ray =
          to.unproject(new Projection((i % size + 0.5) / size, (i / size + 0.5) / size, 1))
              .minus(eye);
      double reach = -above / ray.dot(up);
      boolean isGround = reach > 0 && Double.isFinite(reach);
      Projection at = from.project(isGround ? eye.plus(ray.times(reach)) : old.plus(ray));
      unseen[i] = !(at.depth() > 0 && at.u() >= 0 && at.u() <= 1 && at.v() >= 0 && at.v() <= 1);
      if (!unseen[i]) {
        Pictures.sample(background, null, size, at.u(), at.v(), rgba);
        for (int c = 0; c < 3; c++) {
          seen[3 * i + c] = (float) rgba[c];
        }
      }
    }
    return seen;
  }
}
