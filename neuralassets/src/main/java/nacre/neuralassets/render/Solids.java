package nacre.neuralassets.render;

import java.util.List;
import nacre.neuralassets.render.SceneDescription.Solid;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/**
 * The objects of one frame in plain arrays, and their intersections with rays.
 *
 * <p>Intersections are computed in an object's own axes with each axis divided by the half extent,
 * where the box is the cube [−1, 1]³, the sphere the unit sphere, and so on; the parameter t is the
 * same in both spaces. Only the torus is intersected in scene units, because its distance function
 * needs them.
 */
final class Solids {
  private static final double NEAR = 0.05;

  final int count;
  final Shape[] shape;
  final SceneDescription.Coat[] coat;

  /** World-to-object rotations, row-major, nine numbers each. */
  final double[] turn;

  final double[] centerX;
  final double[] centerY;
  final double[] centerZ;
  final double[] halfX;
  final double[] halfY;
  final double[] halfZ;

  /** The share of sky light that each object takes from the ground right below it. */
  final double[] cover;

  /** Squared radius of the sphere around each object. */
  final double[] reach;

  /** Pixel bounds of each object in the image: columns from..to, rows from..to, inclusive. */
  final int[] left;

  final int[] right;
  final int[] top;
  final int[] bottom;

  Solids(List<Solid> solids, int frame, Camera camera, int width, int height) {
    count = solids.size();
    shape = new Shape[count];
    coat = new SceneDescription.Coat[count];
    turn = new double[9 * count];
    centerX = new double[count];
    centerY = new double[count];
    centerZ = new double[count];
    halfX = new double[count];
    halfY = new double[count];
    halfZ = new double[count];
    reach = new double[count];
    cover = new double[count];
    left = new int[count];
    right = new int[count];
    top = new int[count];
    bottom = new int[count];
    for (int i = 0; i < count; i++) {
      Solid solid = solids.get(i);
      RigidPose pose = solid.poses().get(frame);
      Vec3 h = solid.halfExtents();
      shape[i] = solid.shape();
      coat[i] = solid.coat();
      System.arraycopy(pose.rotation().inverse().toMatrix(), 0, turn, 9 * i, 9);
      centerX[i] = pose.translation().x();
      centerY[i] = pose.translation().y();
      centerZ[i] = pose.translation().z();
      halfX[i] = h.x();
      halfY[i] = h.y();
      halfZ[i] = h.z();
      reach[i] = reachOf(solid.shape(), h);
      Box3 box = Box3.of(pose, h);
      bounds(i, box, camera, width, height);
      double gap = box.corners().stream().mapToDouble(Vec3::z).min().orElse(0);
      cover[i] = gap > 0 ? 0.55 / (1 + gap * gap / (h.x() * h.y())) : 0.55;
    }
  }

  private static double reachOf(Shape shape, Vec3 h) {
    return switch (shape) {
      case BOX -> h.dot(h);
      case SPHERE -> StrictMath.pow(Math.max(h.x(), Math.max(h.y(), h.z())), 2);
      case CYLINDER, CONE -> StrictMath.pow(Math.max(h.x(), h.y()), 2) + h.z() * h.z();
      case TORUS -> h.x() * h.x();
    };
  }

  private void bounds(int i, Box3 box, Camera camera, int width, int height) {
    double u0 = Double.POSITIVE_INFINITY;
    double v0 = Double.POSITIVE_INFINITY;
    double u1 = Double.NEGATIVE_INFINITY;
    double v1 = Double.NEGATIVE_INFINITY;
    for (Vec3 corner : box.corners()) {
      Projection p = camera.project(corner);
      if (p.depth() < NEAR) {
        // A corner beside or behind the camera gives no bound: look for the object everywhere.
        u0 = 0;
        v0 = 0;
        u1 = 1;
        v1 = 1;
        break;
      }
      u0 = Math.min(u0, p.u());
      v0 = Math.min(v0, p.v());
      u1 = Math.max(u1, p.u());
      v1 = Math.max(v1, p.v());
    }
    left[i] = (int) Math.floor(u0 * width);
    right[i] = (int) Math.floor(u1 * width);
    top[i] = (int) Math.floor(v0 * height);
    bottom[i] = (int) Math.floor(v1 * height);
  }

  /**
   * The distance along a ray of unit direction at which it first meets object i, or infinity.
   *
   * @param limit hits beyond this are of no interest
   */
  double meet(
      int i, double ox, double oy, double oz, double dx, double dy, double dz, double limit) {
    double cx = ox - centerX[i];
    double cy = oy - centerY[i];
    double cz = oz - centerZ[i];
    // Sphere around the object: most rays end here.
    double b = cx * dx + cy * dy + cz * dz;
    double c = cx * cx + cy * cy + cz * cz - reach[i];
    double disc = b * b - c;
    if (disc < 0 || (b > 0 && c > 0) || (c > 0 && -b - Math.sqrt(disc) > limit)) {
      return Double.POSITIVE_INFINITY;
    }
    int m = 9 * i;
    double px = turn[m] * cx + turn[m + 1] * cy + turn[m + 2] * cz;
    double py = turn[m + 3] * cx + turn[m + 4] * cy + turn[m + 5] * cz;
    double pz = turn[m + 6] * cx + turn[m + 7] * cy + turn[m + 8] * cz;
    double qx = turn[m] * dx + turn[m + 1] * dy + turn[m + 2] * dz;
    double qy = turn[m + 3] * dx + turn[m + 4] * dy + turn[m + 5] * dz;
    double qz = turn[m + 6] * dx + turn[m + 7] * dy + turn[m + 8] * dz;
    if (shape[i] == Shape.TORUS) {
      return torus(px, py, pz, qx, qy, qz, halfX[i] - halfZ[i], halfZ[i], limit);
    }
    px /= halfX[i];
    py /= halfY[i];
    pz /= halfZ[i];
    qx /= halfX[i];
    qy /= halfY[i];
    qz /= halfZ[i];
    return switch (shape[i]) {
      case BOX -> box(px, py, pz, qx, qy, qz);
      case SPHERE -> sphere(px, py, pz, qx, qy, qz);
      case CYLINDER -> cylinder(px, py, pz, qx, qy, qz);
      default -> cone(px, py, pz, qx, qy, qz);
    };
  }

  private static double box(double px, double py, double pz, double qx, double qy, double qz) {
    double ix = 1 / qx;
    double iy = 1 / qy;
    double iz = 1 / qz;
    double ax = (-1 - px) * ix;
    double bx = (1 - px) * ix;
    double ay = (-1 - py) * iy;
    double by = (1 - py) * iy;
    double az = (-1 - pz) * iz;
    double bz = (1 - pz) * iz;
    double enter = Math.max(Math.max(Math.min(ax, bx), Math.min(ay, by)), Math.min(az, bz));
    double leave = Math.min(Math.min(Math.max(ax, bx), Math.max(ay, by)), Math.max(az, bz));
    if (!(enter <= leave) || leave < 0) {
      return Double.POSITIVE_INFINITY;
    }
    return enter > 0 ? enter : leave;
  }

  private static double sphere(double px, double py, double pz, double qx, double qy, double qz) {
    double a = qx * qx + qy * qy + qz * qz;
    double b = px * qx + py * qy + pz * qz;
    double c = px * px + py * py + pz * pz - 1;
    return firstRoot(a, b, c);
  }

  /** Smallest positive root of a·t² + 2b·t + c, or infinity. */
  private static double firstRoot(double a, double b, double c) {
    double disc = b * b - a * c;
    if (disc < 0) {
      return Double.POSITIVE_INFINITY;
    }
    double root = Math.sqrt(disc);
    double t = (-b - root) / a;
    if (t > 0) {
      return t;
    }
    t = (-b + root) / a;
    return t > 0 ? t : Double.POSITIVE_INFINITY;
  }

  private static double cylinder(double px, double py, double pz, double qx, double qy, double qz) {
    double best = Double.POSITIVE_INFINITY;
    double a = qx * qx + qy * qy;
    double b = px * qx + py * qy;
    double c = px * px + py * py - 1;
    double disc = b * b - a * c;
    if (disc < 0) {
      return best;
    }
    double root = Math.sqrt(disc);
    double side = (-b - root) / a;
    if (!(side > 0 && Math.abs(pz + side * qz) <= 1)) {
      side = (-b + root) / a;
    }
    if (side > 0 && Math.abs(pz + side * qz) <= 1) {
      best = side;
    }
    return Math.min(
        best, Math.min(disc(1, px, py, pz, qx, qy, qz), disc(-1, px, py, pz, qx, qy, qz)));
  }

  /** The distance at which the ray meets the unit disc at height z. */
  private static double disc(
      double z, double px, double py, double pz, double qx, double qy, double qz) {
    double t = (z - pz) / qz;
    if (!(t > 0)) {
      return Double.POSITIVE_INFINITY;
    }
    double x = px + t * qx;
    double y = py + t * qy;
    return x * x + y * y <= 1 ? t : Double.POSITIVE_INFINITY;
  }

  /** The cone x² + y² = ((1 − z)/2)², tip at z = 1, closed by the unit disc at z = −1. */
  private static double cone(double px, double py, double pz, double qx, double qy, double qz) {
    double best = disc(-1, px, py, pz, qx, qy, qz);
    double k = 0.5 * (1 - pz);
    double l = -0.5 * qz;
    double a = qx * qx + qy * qy - l * l;
    double b = px * qx + py * qy - k * l;
    double c = px * px + py * py - k * k;
    double disc = b * b - a * c;
    if (disc < 0) {
      return best;
    }
    double root = Math.sqrt(disc);
    // Both roots, because a may have either sign and the mirror cone above the tip is not ours.
    for (int s = -1; s <= 1; s += 2) {
      double t = (-b + s * root) / a;
      if (t > 0 && t < best && Math.abs(pz + t * qz) <= 1) {
        best = t;
      }
    }
    return best;
  }

  /** Sphere tracing inside the slab and cylinder that hold the torus; |q| must be 1. */
  private static double torus(
      double px,
      double py,
      double pz,
      double qx,
      double qy,
      double qz,
      double ring,
      double tube,
      double limit) {
    double enter = 1e-4;
    double leave = limit;
    double iz = 1 / qz;
    double az = (-tube - pz) * iz;
    double bz = (tube - pz) * iz;
    enter = Math.max(enter, Math.min(az, bz));
    leave = Math.min(leave, Math.max(az, bz));
    double a = qx * qx + qy * qy;
    double b = px * qx + py * qy;
    double outer = ring + tube;
    double disc = b * b - a * (px * px + py * py - outer * outer);
    if (disc < 0) {
      return Double.POSITIVE_INFINITY;
    }
    double root = Math.sqrt(disc);
    enter = Math.max(enter, (-b - root) / a);
    leave = Math.min(leave, (-b + root) / a);
    double t = enter;
    double close = 1e-5 * tube;
    for (int step = 0; step < 64 && t <= leave; step++) {
      double x = px + t * qx;
      double y = py + t * qy;
      double z = pz + t * qz;
      double radial = Math.sqrt(x * x + y * y) - ring;
      double distance = Math.sqrt(radial * radial + z * z) - tube;
      if (distance < close) {
        return t;
      }
      t += distance;
    }
    // Out of steps and still inside: the ray creeps along the surface, which counts as touching it.
    return t <= leave ? t : Double.POSITIVE_INFINITY;
  }

  /** True if anything stands between a point and the sun. */
  boolean shaded(double x, double y, double z, double lx, double ly, double lz) {
    for (int i = 0; i < count; i++) {
      if (meet(i, x, y, z, lx, ly, lz, 1e9) < 1e9) {
        return true;
      }
    }
    return false;
  }
}
