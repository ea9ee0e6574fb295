package nacre.neuralassets.scene;

import java.util.ArrayList;
import java.util.List;

/**
 * An oriented box around an object: eight corners in the world.
 *
 * <p>Corners stand in Kubric's order: {@code product((x0, x1), (y0, y1), (z0, z1))} in the object's
 * own axes with z fastest, so corner 0 is (x0, y0, z0), corner 1 differs in z, corner 2 in y and
 * corner 4 in x. Corners 0, 1, 2, 4 are a corner and its three neighbors: they fix the box, its
 * axes included, and are what the pose vector holds.
 */
public record Box3(List<Vec3> corners) {
  /** Indices of the corners that make up a pose vector, in its order. */
  static final int[] FRAME = {0, 1, 2, 4};

  /** Pairs of corner indices that are joined by an edge, the three from corner 0 first: z, y, x. */
  public static final List<int[]> EDGES =
      List.of(
          new int[] {0, 1},
          new int[] {0, 2},
          new int[] {0, 4},
          new int[] {1, 3},
          new int[] {1, 5},
          new int[] {2, 3},
          new int[] {2, 6},
          new int[] {3, 7},
          new int[] {4, 5},
          new int[] {4, 6},
          new int[] {5, 7},
          new int[] {6, 7});

  /** Copies the corners and checks their number; see {@link #skewness()} for their order. */
  public Box3 {
    corners = List.copyOf(corners);
    if (corners.size() != 8) {
      throw new IllegalArgumentException("a 3D box has 8 corners, not " + corners.size());
    }
  }

  /** The box of an object at {@code pose} that reaches {@code halfExtents} from its center. */
  public static Box3 of(RigidPose pose, Vec3 halfExtents) {
    List<Vec3> corners = new ArrayList<>(8);
    for (int i = 0; i < 8; i++) {
      Vec3 sign = new Vec3((i & 4) == 0 ? -1 : 1, (i & 2) == 0 ? -1 : 1, (i & 1) == 0 ? -1 : 1);
      corners.add(pose.apply(sign.times(halfExtents)));
    }
    return new Box3(corners);
  }

  /** The box spanned by corners 0, 1, 2 and 4; the other four follow by addition. */
  public static Box3 ofFrame(Vec3 p0, Vec3 p1, Vec3 p2, Vec3 p4) {
    Vec3 x = p4.minus(p0);
    Vec3 y = p2.minus(p0);
    Vec3 p3 = p1.plus(y);
    return new Box3(List.of(p0, p1, p2, p3, p4, p1.plus(x), p2.plus(x), p3.plus(x)));
  }

  /** Returns one corner. */
  public Vec3 corner(int index) {
    return corners.get(index);
  }

  /** Returns the mean of the corners. */
  public Vec3 center() {
    Vec3 sum = Vec3.ZERO;
    for (Vec3 corner : corners) {
      sum = sum.plus(corner);
    }
    return sum.times(1.0 / 8);
  }

  /** Returns the lengths of the box's x, y and z edges. */
  public Vec3 size() {
    Vec3 p0 = corner(0);
    return new Vec3(
        corner(4).minus(p0).length(), corner(2).minus(p0).length(), corner(1).minus(p0).length());
  }

  /** Returns the box with every corner moved by {@code offset}. */
  public Box3 translated(Vec3 offset) {
    return new Box3(corners.stream().map(c -> c.plus(offset)).toList());
  }

  /** Returns the box turned about an axis through its center. */
  public Box3 rotated(Quaternion rotation) {
    Vec3 center = center();
    return new Box3(
        corners.stream().map(c -> rotation.rotate(c.minus(center)).plus(center)).toList());
  }

  /** Returns the box scaled about a fixed point. */
  public Box3 scaledAbout(Vec3 fixed, double factor) {
    return new Box3(corners.stream().map(c -> c.minus(fixed).times(factor).plus(fixed)).toList());
  }

  /**
   * The deviation of the corners from a parallelepiped in Kubric's order: the largest distance of a
   * corner from where corners 0, 1, 2, 4 put it, divided by the box's longest edge. Near 0 for a
   * box that is right, above 0.5 where corners are in another order.
   */
  public double skewness() {
    Box3 ideal = ofFrame(corner(0), corner(1), corner(2), corner(4));
    double worst = 0;
    for (int i = 0; i < 8; i++) {
      worst = Math.max(worst, corner(i).minus(ideal.corner(i)).length());
    }
    Vec3 size = size();
    return worst / Math.max(size.x(), Math.max(size.y(), size.z()));
  }

  /** The smallest depth of any corner; the box is wholly in front of the camera if positive. */
  public double minDepth(Camera camera) {
    double min = Double.POSITIVE_INFINITY;
    for (Vec3 corner : corners) {
      min = Math.min(min, camera.project(corner).depth());
    }
    return min;
  }

  /**
   * The part of the image that the projected corners span, empty if none of it is in the image.
   * Larger than what is visible: it counts what other objects hide, and the box's empty corners.
   */
  public Box2 extent(Camera camera) {
    double u0 = Double.POSITIVE_INFINITY;
    double v0 = Double.POSITIVE_INFINITY;
    double u1 = Double.NEGATIVE_INFINITY;
    double v1 = Double.NEGATIVE_INFINITY;
    for (Vec3 corner : corners) {
      Projection p = camera.project(corner);
      u0 = Math.min(u0, p.u());
      v0 = Math.min(v0, p.v());
      u1 = Math.max(u1, p.u());
      v1 = Math.max(v1, p.v());
    }
    Box2 box =
        new Box2(
            Math.clamp(v0, 0, 1), Math.clamp(u0, 0, 1), Math.clamp(v1, 0, 1), Math.clamp(u1, 0, 1));
    return box.isEmpty() ? Box2.EMPTY : box;
  }
}
