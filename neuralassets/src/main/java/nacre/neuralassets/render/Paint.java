package nacre.neuralassets.render;

import nacre.neuralassets.render.SceneDescription.Ground;

/** Procedural patterns: the share of the second color at a point, 0 to 1. */
final class Paint {
  private Paint() {}

  /**
   * The share of the second color on an object.
   *
   * @param x point on the surface in the object's own axes, each from −1 to 1
   */
  static double onSolid(
      SceneDescription.Pattern pattern, Shape shape, double x, double y, double z) {
    boolean cap = isCap(shape, z);
    boolean towardsX = x > Math.abs(y) && !(cap && shape == Shape.BOX);
    return switch (pattern) {
      case PATCH -> towardsX ? 1 : 0;
      case STRIPES -> cap ? (x > 0 ? 1 : 0) : upright(shape, x, y);
      case BANDS -> (z > -0.3 && z < 0.3) || (towardsX && z > 0) ? 1 : 0;
      case CHECKER -> (x > 0) == (y > 0) == (cap || z > 0) ? 1 : 0;
      case DOTS -> dots(x, y, z, towardsX);
    };
  }

  /** The brightness of the surface: the back, −x, is a shade darker than the other sides. */
  static double tone(Shape shape, double x, double y, double z) {
    return -x > Math.abs(y) && !isCap(shape, z) ? 0.72 : 1;
  }

  private static boolean isCap(Shape shape, double z) {
    return (shape == Shape.BOX || shape == Shape.CYLINDER) && Math.abs(z) > 0.9999;
  }

  /** Four upright stripes, one of them twice as wide. */
  private static double upright(Shape shape, double x, double y) {
    double ax = Math.abs(x);
    double ay = Math.abs(y);
    if (shape == Shape.BOX) {
      // Along the face: the coordinate that is not pinned to ±1.
      double along = ax > ay ? y : x;
      return Math.abs(along) < (ax > ay && x > 0 ? 0.62 : 0.3) ? 1 : 0;
    }
    double small = Math.min(ax, ay);
    double large = Math.max(ax, ay);
    return small < (ax > ay && x > 0 ? 0.75 : 0.3) * large ? 1 : 0;
  }

  private static double dots(double x, double y, double z, boolean towardsX) {
    // The side whose axis the point is nearest to, as on a die.
    double ax = Math.abs(x);
    double ay = Math.abs(y);
    double az = Math.abs(z);
    double a;
    double b;
    double c;
    if (az > ax && az > ay) {
      a = x;
      b = y;
      c = az;
    } else if (ax > ay) {
      a = y;
      b = z;
      c = ax;
    } else {
      a = x;
      b = z;
      c = ay;
    }
    double limit = (towardsX && az <= ax ? 0.72 : 0.48) * c;
    return a * a + b * b < limit * limit ? 1 : 0;
  }

  /** The share of the second color at a point of the ground. */
  static double onGround(Ground g, double cos, double sin, double wx, double wy) {
    double x = (cos * wx - sin * wy) / g.scale() + g.offsetX();
    double y = (sin * wx + cos * wy) / g.scale() + g.offsetY();
    return switch (g.kind()) {
      case PLAIN -> 0.35 * noise(g.seed(), 0.5 * x, 0.5 * y);
      case CHECKER -> ((((long) Math.floor(x)) + ((long) Math.floor(y))) & 1) == 0 ? 0 : 0.8;
      case STRIPES -> x - Math.floor(x) < 0.5 ? 0 : 0.8;
      case NOISE -> {
        double n = 0.65 * noise(g.seed(), x, y) + 0.35 * noise(g.seed() + 1, 2.3 * x, 2.3 * y);
        yield Math.clamp(2.2 * n - 0.6, 0, 1);
      }
      case TILES -> {
        double fx = x - Math.floor(x);
        double fy = y - Math.floor(y);
        double tone = 0.45 * hash(g.seed(), (long) Math.floor(x), (long) Math.floor(y));
        yield fx < 0.08 || fy < 0.08 ? 1 : tone;
      }
      case RINGS -> {
        double d = Math.sqrt(wx * wx + wy * wy) / (1.2 * g.scale()) + g.offsetX();
        yield d - Math.floor(d) < 0.5 ? 0 : 0.8;
      }
    };
  }

  /** Smooth noise from 0 to 1 with one bump a cell. */
  private static double noise(long seed, double x, double y) {
    double fx = Math.floor(x);
    double fy = Math.floor(y);
    long ix = (long) fx;
    long iy = (long) fy;
    double sx = smooth(x - fx);
    double sy = smooth(y - fy);
    double top = lerp(hash(seed, ix, iy), hash(seed, ix + 1, iy), sx);
    double low = lerp(hash(seed, ix, iy + 1), hash(seed, ix + 1, iy + 1), sx);
    return lerp(top, low, sy);
  }

  private static double smooth(double t) {
    return t * t * (3 - 2 * t);
  }

  private static double lerp(double a, double b, double t) {
    return a + (b - a) * t;
  }

  private static double hash(long seed, long x, long y) {
    long z = seed + x * 0x9E3779B97F4A7C15L + y * 0xC2B2AE3D27D4EB4FL;
    return (CounterRandom.mix(z) >>> 11) * 0x1p-53;
  }
}
