package nacre.evaluation.baseline;

import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Vec3;

/**
 * A 3D box as a camera sees it. Places in the box are given in its own axes, from 0 at corner 0 to
 * 1 at the opposite side; a face is an axis and a side.
 */
final class BoxRays {
  /** A little beyond the box, in its edges, so that no ray slips through between two faces. */
  private static final double SLACK = 1e-9;

  private final Vec3 origin;
  private final Vec3[] edges;

  /** Rows that take a vector of the world to the box's axes. */
  private final Vec3[] rows;

  private final Camera camera;
  private final Vec3 eye;
  private final double[] eyeInside;
  private final double center;

  BoxRays(Box3 box, Camera camera) {
    this.camera = camera;
    origin = box.corner(0);
    edges =
        new Vec3[] {
          box.corner(4).minus(origin), box.corner(2).minus(origin), box.corner(1).minus(origin)
        };
    rows = new Vec3[3];
    for (int k = 0; k < 3; k++) {
      Vec3 normal = edges[(k + 1) % 3].cross(edges[(k + 2) % 3]);
      rows[k] = normal.times(1 / normal.dot(edges[k]));
    }
    eye = camera.cameraToWorld().translation();
    eyeInside = inside(eye.minus(origin));
    center = camera.project(box.center()).depth();
  }

  private double[] inside(Vec3 vector) {
    return new double[] {rows[0].dot(vector), rows[1].dot(vector), rows[2].dot(vector)};
  }

  /** The depth of the box's center. */
  double depth() {
    return center;
  }

  /**
   * A place on the box's surface.
   *
   * @param depth its distance along the camera's axis
   * @param at in the box's axes
   * @param axis of the face: 0 for x, 1 for y, 2 for z
   * @param side 0 or 1: where on that axis the face lies
   */
  record Hit(double depth, double[] at, int axis, int side) {}

  /** The nearest place of the box that is seen at a point of the image; null if none is. */
  Hit hit(double u, double v) {
    // A ray through a point at depth 1 has its parameter as its depth.
    double[] ray = inside(camera.unproject(new Projection(u, v, 1)).minus(eye));
    double enter = 0;
    double leave = Double.POSITIVE_INFINITY;
    int axis = -1;
    for (int k = 0; k < 3; k++) {
      double a = (-SLACK - eyeInside[k]) / ray[k];
      double b = (1 + SLACK - eyeInside[k]) / ray[k];
      if (Math.min(a, b) > enter) {
        enter = Math.min(a, b);
        axis = k;
      }
      leave = Math.min(leave, Math.max(a, b));
    }
    if (axis < 0 || !(enter <= leave)) {
      return null;
    }
    double[] at = new double[3];
    for (int k = 0; k < 3; k++) {
      at[k] = Math.clamp(eyeInside[k] + enter * ray[k], 0, 1);
    }
    int side = ray[axis] > 0 ? 0 : 1;
    at[axis] = side;
    return new Hit(enter, at, axis, side);
  }

  /** Whether the camera is on the outer side of a face. */
  boolean sees(int axis, int side) {
    return side == 0 ? eyeInside[axis] < 0 : eyeInside[axis] > 1;
  }

  /** Where a place of the box is seen. */
  Projection project(double[] at) {
    return camera.project(
        origin.plus(edges[0].times(at[0])).plus(edges[1].times(at[1])).plus(edges[2].times(at[2])));
  }
}
