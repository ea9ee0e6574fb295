package nacre.neuralassets.render;

import nacre.neuralassets.render.SceneDescription.Coat;
import nacre.neuralassets.render.SceneDescription.Ground;
import nacre.neuralassets.render.SceneDescription.Light;

/** A tracer of rays in one frame of a scene. Used by one thread. */
final class Tracer {
  private static final double LIFT = 1e-3;
  private static final double SHININESS = 0.22;

  private final Solids solids;
  private final Ground ground;
  private final Light light;
  private final double eyeX;
  private final double eyeY;
  private final double eyeZ;
  private final double groundCos;
  private final double groundSin;

  /** The index of the object that the last ray hit, or −1 for ground and sky. */
  int seen;

  /** The linear color of the last ray. */
  double red;

  double green;
  double blue;

  Tracer(Solids solids, SceneDescription scene, double eyeX, double eyeY, double eyeZ) {
    this.solids = solids;
    this.ground = scene.ground();
    this.light = scene.light();
    this.eyeX = eyeX;
    this.eyeY = eyeY;
    this.eyeZ = eyeZ;
    groundCos = StrictMath.cos(ground.angle());
    groundSin = StrictMath.sin(ground.angle());
  }

  /**
   * Follows one ray from the eye.
   *
   * @param candidates bit i set if object i may be hit
   * @param dx unit direction
   * @param lx unit vector towards the point of the sun that this ray samples
   */
  void trace(long candidates, double dx, double dy, double dz, double lx, double ly, double lz) {
    double nearest = dz < -1e-6 ? -eyeZ / dz : Double.POSITIVE_INFINITY;
    if (nearest < 0) {
      nearest = Double.POSITIVE_INFINITY;
    }
    seen = -1;
    for (long rest = candidates; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      double t = solids.meet(i, eyeX, eyeY, eyeZ, dx, dy, dz, nearest);
      if (t < nearest) {
        nearest = t;
        seen = i;
      }
    }
    if (seen >= 0) {
      shadeSolid(seen, nearest, dx, dy, dz, lx, ly, lz);
    } else if (nearest < 1e6) {
      shadeGround(nearest, dx, dy, dz, lx, ly, lz);
    } else {
      shadeSky(dz);
    }
  }

  private void shadeSky(double dz) {
    double h = Math.sqrt(Math.max(0, dz));
    red = light.horizon().r() + (light.zenith().r() - light.horizon().r()) * h;
    green = light.horizon().g() + (light.zenith().g() - light.horizon().g()) * h;
    blue = light.horizon().b() + (light.zenith().b() - light.horizon().b()) * h;
  }

  private void shadeGround(
      double t, double dx, double dy, double dz, double lx, double ly, double lz) {
    double x = eyeX + t * dx;
    double y = eyeY + t * dy;
    // Patterns fade with distance before they can flicker.
    double fade = 1 / (1 + t * t * 0.002);
    double share = Paint.onGround(ground, groundCos, groundSin, x, y);
    share = 0.35 + (share - 0.35) * fade;
    Rgb a = ground.first();
    Rgb b = ground.second();
    double sun = solids.shaded(x, y, LIFT, lx, ly, lz) ? 0 : 1.02 * lz;
    double open = 1;
    for (int i = 0; i < solids.count; i++) {
      double ex = x - solids.centerX[i];
      double ey = y - solids.centerY[i];
      double size = solids.halfX[i] * solids.halfY[i];
      double d = (ex * ex + ey * ey) / size;
      open *= 1 - solids.cover[i] / (1 + d * d);
    }
    double sky = 0.54 * open;
    red = (a.r() + (b.r() - a.r()) * share) * (sun * light.sun().r() + sky * 0.86);
    green = (a.g() + (b.g() - a.g()) * share) * (sun * light.sun().g() + sky * 0.95);
    blue = (a.b() + (b.b() - a.b()) * share) * (sun * light.sun().b() + sky * 1.1);
    double fog = t * t / (t * t + 1100);
    Rgb h = light.horizon();
    red += (h.r() - red) * fog;
    green += (h.g() - green) * fog;
    blue += (h.b() - blue) * fog;
  }

  private void shadeSolid(
      int i, double t, double dx, double dy, double dz, double lx, double ly, double lz) {
    double x = eyeX + t * dx;
    double y = eyeY + t * dy;
    double z = eyeZ + t * dz;
    double[] m = solids.turn;
    int k = 9 * i;
    double cx = x - solids.centerX[i];
    double cy = y - solids.centerY[i];
    double cz = z - solids.centerZ[i];
    double px = m[k] * cx + m[k + 1] * cy + m[k + 2] * cz;
    double py = m[k + 3] * cx + m[k + 4] * cy + m[k + 5] * cz;
    double pz = m[k + 6] * cx + m[k + 7] * cy + m[k + 8] * cz;
    double hx = solids.halfX[i];
    double hy = solids.halfY[i];
    double hz = solids.halfZ[i];
    double ux = px / hx;
    double uy = py / hy;
    double uz = pz / hz;
    // Gradient of the surface's equation, in the object's own axes.
    double gx;
    double gy;
    double gz;
    switch (solids.shape[i]) {
      case BOX -> {
        double ax = Math.abs(ux);
        double ay = Math.abs(uy);
        double az = Math.abs(uz);
        gx = ax >= ay && ax >= az ? ux : 0;
        gy = ay > ax && ay >= az ? uy : 0;
        gz = az > ax && az > ay ? uz : 0;
      }
      case SPHERE -> {
        gx = ux / hx;
        gy = uy / hy;
        gz = uz / hz;
      }
      case CYLINDER -> {
        boolean cap = Math.abs(uz) > 1 - 1e-6;
        gx = cap ? 0 : ux / hx;
        gy = cap ? 0 : uy / hy;
        gz = cap ? uz : 0;
      }
      case CONE -> {
        boolean base = uz < -1 + 1e-6;
        gx = base ? 0 : ux / hx;
        gy = base ? 0 : uy / hy;
        gz = base ? -1 : 0.25 * (1 - uz) / hz;
      }
      default -> {
        double radial = Math.sqrt(px * px + py * py);
        double pull = 1 - (hx - hz) / radial;
        gx = px * pull;
        gy = py * pull;
        gz = pz;
      }
    }
    double scale = 1 / Math.sqrt(gx * gx + gy * gy + gz * gz);
    double nx = (m[k] * gx + m[k + 3] * gy + m[k + 6] * gz) * scale;
    double ny = (m[k + 1] * gx + m[k + 4] * gy + m[k + 7] * gz) * scale;
    double nz = (m[k + 2] * gx + m[k + 5] * gy + m[k + 8] * gz) * scale;

    Coat coat = solids.coat[i];
    double share = Paint.onSolid(coat.pattern(), solids.shape[i], ux, uy, uz);
    // The side at the back is a shade darker, so that no pattern looks the same from both ends.
    double tone = Paint.tone(solids.shape[i], ux, uy, uz);
    double facing = nx * lx + ny * ly + nz * lz;
    double sun = 0;
    double gloss = 0;
    if (facing > 0 && !solids.shaded(x + nx * LIFT, y + ny * LIFT, z + nz * LIFT, lx, ly, lz)) {
      sun = 1.02 * facing;
      double bx = lx - dx;
      double by = ly - dy;
      double bz = lz - dz;
      double s = (nx * bx + ny * by + nz * bz) / Math.sqrt(bx * bx + by * by + bz * bz);
      double s2 = s * s;
      double s4 = s2 * s2;
      double s16 = s4 * s4 * s4 * s4;
      gloss = SHININESS * s16 * s16;
    }
    double up = 0.5 + 0.5 * nz;
    double open = Math.min(1, 0.7 + 0.3 * z / (hz + 1e-9));
    double sky = 0.54 * up * open;
    double bounce = 0.16 * (1 - up);
    Rgb a = coat.base();
    Rgb b = coat.second();
    red = tone * (a.r() + (b.r() - a.r()) * share) * (sun * light.sun().r() + sky * 0.88 + bounce);
    green =
        tone * (a.g() + (b.g() - a.g()) * share) * (sun * light.sun().g() + sky * 0.95 + bounce);
    blue = tone * (a.b() + (b.b() - a.b()) * share) * (sun * light.sun().b() + sky * 1.08 + bounce);
    red += gloss * light.sun().r();
    green += gloss * light.sun().g();
    blue += gloss * light.sun().b();
  }
}
