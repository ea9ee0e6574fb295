package nacre.neuralassets.scene;

/**
 * A rotation as a unit quaternion in the order (w, x, y, z), the order of Kubric's and MOVi's
 * files.
 */
public record Quaternion(double w, double x, double y, double z) {
  /** No rotation. */
  public static final Quaternion IDENTITY = new Quaternion(1, 0, 0, 0);

  /** Right-handed rotation by {@code radians} about {@code axis}, which need not have length 1. */
  public static Quaternion about(Vec3 axis, double radians) {
    Vec3 a = axis.normalized();
    double s = StrictMath.sin(radians / 2);
    return new Quaternion(StrictMath.cos(radians / 2), s * a.x(), s * a.y(), s * a.z());
  }

  /**
   * The rotation whose matrix has the given columns, that is, which takes the unit axes to {@code
   * right}, {@code up} and {@code back}. The columns must be orthonormal and right-handed.
   */
  public static Quaternion ofColumns(Vec3 right, Vec3 up, Vec3 back) {
    return ofMatrix(
        new double[] {
          right.x(), up.x(), back.x(),
          right.y(), up.y(), back.y(),
          right.z(), up.z(), back.z()
        });
  }

  /** The rotation of a row-major 3×3 rotation matrix. */
  public static Quaternion ofMatrix(double[] m) {
    // Shepperd: take the root of the largest of the four squares, so that nothing cancels.
    double trace = m[0] + m[4] + m[8];
    if (trace >= m[0] && trace >= m[4] && trace >= m[8]) {
      return new Quaternion(1 + trace, m[7] - m[5], m[2] - m[6], m[3] - m[1]).normalized();
    }
    if (m[0] >= m[4] && m[0] >= m[8]) {
      return new Quaternion(m[7] - m[5], 1 + 2 * m[0] - trace, m[1] + m[3], m[2] + m[6])
          .normalized();
    }
    if (m[4] >= m[8]) {
      return new Quaternion(m[2] - m[6], m[1] + m[3], 1 + 2 * m[4] - trace, m[5] + m[7])
          .normalized();
    }
    return new Quaternion(m[3] - m[1], m[2] + m[6], m[5] + m[7], 1 + 2 * m[8] - trace).normalized();
  }

  /** Returns the row-major 3×3 matrix of this rotation. */
  public double[] toMatrix() {
    return new double[] {
      1 - 2 * (y * y + z * z),
      2 * (x * y - w * z),
      2 * (x * z + w * y),
      2 * (x * y + w * z),
      1 - 2 * (x * x + z * z),
      2 * (y * z - w * x),
      2 * (x * z - w * y),
      2 * (y * z + w * x),
      1 - 2 * (x * x + y * y)
    };
  }

  /** Returns the rotation that applies {@code first} and then this one. */
  public Quaternion after(Quaternion first) {
    return new Quaternion(
        w * first.w - x * first.x - y * first.y - z * first.z,
        w * first.x + x * first.w + y * first.z - z * first.y,
        w * first.y - x * first.z + y * first.w + z * first.x,
        w * first.z + x * first.y - y * first.x + z * first.w);
  }

  /** Returns the inverse rotation. */
  public Quaternion inverse() {
    return new Quaternion(w, -x, -y, -z);
  }

  /** Returns the vector turned by this rotation. */
  public Vec3 rotate(Vec3 v) {
    double tx = 2 * (y * v.z() - z * v.y());
    double ty = 2 * (z * v.x() - x * v.z());
    double tz = 2 * (x * v.y() - y * v.x());
    return new Vec3(
        v.x() + w * tx + y * tz - z * ty,
        v.y() + w * ty + z * tx - x * tz,
        v.z() + w * tz + x * ty - y * tx);
  }

  /** Returns the Euclidean norm of the four numbers, 1 for a rotation. */
  public double norm() {
    return Math.sqrt(w * w + x * x + y * y + z * z);
  }

  /** Returns this quaternion scaled to norm 1. */
  public Quaternion normalized() {
    double n = norm();
    if (!(n > 0)) {
      throw new IllegalArgumentException("cannot normalize a quaternion of norm " + n);
    }
    return new Quaternion(w / n, x / n, y / n, z / n);
  }
}
