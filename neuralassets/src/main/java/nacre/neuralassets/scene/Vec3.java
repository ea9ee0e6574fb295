package nacre.neuralassets.scene;

/** A point or direction in space, in scene units. */
public record Vec3(double x, double y, double z) {
  /** The origin. */
  public static final Vec3 ZERO = new Vec3(0, 0, 0);

  /** World up in scenes that say nothing else (Kubric's convention). */
  public static final Vec3 UNIT_Z = new Vec3(0, 0, 1);

  /** Returns {@code this + other}. */
  public Vec3 plus(Vec3 other) {
    return new Vec3(x + other.x, y + other.y, z + other.z);
  }

  /** Returns {@code this - other}. */
  public Vec3 minus(Vec3 other) {
    return new Vec3(x - other.x, y - other.y, z - other.z);
  }

  /** Returns this vector times a number. */
  public Vec3 times(double factor) {
    return new Vec3(x * factor, y * factor, z * factor);
  }

  /** Returns the componentwise product. */
  public Vec3 times(Vec3 other) {
    return new Vec3(x * other.x, y * other.y, z * other.z);
  }

  /** Returns the inner product. */
  public double dot(Vec3 other) {
    return x * other.x + y * other.y + z * other.z;
  }

  /** Returns the right-handed cross product. */
  public Vec3 cross(Vec3 other) {
    return new Vec3(
        y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x);
  }

  /** Returns the Euclidean length. */
  public double length() {
    return Math.sqrt(dot(this));
  }

  /** Returns this vector scaled to length 1; a zero vector has no direction and is refused. */
  public Vec3 normalized() {
    double length = length();
    if (!(length > 0)) {
      throw new IllegalArgumentException("cannot normalize a vector of length " + length);
    }
    return times(1 / length);
  }

  /** True if no component is NaN or infinite. */
  public boolean isFinite() {
    return Double.isFinite(x) && Double.isFinite(y) && Double.isFinite(z);
  }
}
