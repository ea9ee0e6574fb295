package nacre.neuralassets.model;

import nacre.neuralassets.scene.PoseVector;
import nacre.weights.ConfigRange;

/**
 * The geometry of objects in the source frame, cell by cell: where rays through the cells of an
 * object's 2D box meet its 3D box. It tells a token which side of the object its appearance is of,
 * as the depth map of each object does in Neural USD (Escontrela et al., 2025), with the box in
 * place of the surface. Computed on the host: it carries no gradient.
 *
 * @param rays m: along each side of a cell; 0 for no geometry
 */
public record SurfaceFeatures(int rays) {
  /** Of a ray: whether it meets the box, how deep, and where in the box's own coordinates. */
  static final int NUMBERS = 5;

  /** Less volume than this has no box that a ray could meet. */
  private static final double LEAST_VOLUME = 1e-12;

  /**
   * Checks the range.
   *
   * @throws IllegalArgumentException naming the key
   */
  public SurfaceFeatures {
    new ConfigRange("asset_tokens.").whole("surface_rays", rays, 0, 64);
  }

  /** The number of features of a cell, 5 m². */
  public int width() {
    return NUMBERS * rays * rays;
  }

  /**
   * The features of objects, {@code [.., side · side, 5 m²]}: of each cell the rays row by row, of
   * each 1, the depth at which it enters the box, from the center's in units of the box's extent in
   * depth, and the box's coordinates there, from −1 to 1 along the edges to corners 1, 2 and 4;
   * five zeros for a ray that misses, and of objects that the source frame does not show.
   *
   * @param boxes {@code [.., 4]}: y0, x0, y1, x1 in the source
   * @param poses {@code [.., 12]}: {@link PoseVector#ofBox} in the source camera
   * @param side cells along each side of a box
   */
  public float[] of(float[] boxes, float[] poses, int side) {
    int count = boxes.length / 4;
    int cells = side * side;
    float[] features = new float[count * cells * width()];
    for (int i = 0; i < count; i++) {
      Box box = Box.of(poses, i * PoseVector.LENGTH);
      if (box == null) {
        continue;
      }
      double height = boxes[4 * i + 2] - boxes[4 * i];
      double width = boxes[4 * i + 3] - boxes[4 * i + 1];
      if (!(height > 0 && width > 0)) {
        continue;
      }
      int all = side * rays;
      for (int y = 0; y < all; y++) {
        for (int x = 0; x < all; x++) {
          double v = boxes[4 * i] + height * (y + 0.5) / all;
          double u = boxes[4 * i + 1] + width * (x + 0.5) / all;
          int cell = i * cells + y / rays * side + x / rays;
          int ray = y % rays * rays + x % rays;
          box.enter(u, v, features, (cell * rays * rays + ray) * NUMBERS);
        }
      }
    }
    return features;
  }

  /**
   * A box in (u·d, v·d, d), where a camera's projection is linear: the ray through (u, v) is d ·
   * (u, v, 1).
   *
   * @param origin corner 0
   * @param inverse of the matrix whose columns are the edges to corners 1, 2 and 4, row by row
   * @param depth of the center
   * @param extent from the nearest corner to the farthest in depth
   */
  private record Box(double[] origin, double[] inverse, double depth, double extent) {
    /** The box of a pose vector; null if it has no volume, as an empty slot's. */
    static Box of(float[] pose, int at) {
      double[][] p = new double[4][];
      for (int i = 0; i < 4; i++) {
        double d = pose[at + 3 * i + 2];
        p[i] = new double[] {pose[at + 3 * i] * d, pose[at + 3 * i + 1] * d, d};
      }
      double[] m = new double[9];
      double depth = p[0][2];
      double extent = 0;
      for (int edge = 0; edge < 3; edge++) {
        for (int k = 0; k < 3; k++) {
          m[3 * k + edge] = p[edge + 1][k] - p[0][k];
        }
        depth += (p[edge + 1][2] - p[0][2]) / 2;
        extent += Math.abs(p[edge + 1][2] - p[0][2]);
      }
      double[] cofactors = {
        m[4] * m[8] - m[5] * m[7],
        m[2] * m[7] - m[1] * m[8],
        m[1] * m[5] - m[2] * m[4],
        m[5] * m[6] - m[3] * m[8],
        m[0] * m[8] - m[2] * m[6],
        m[2] * m[3] - m[0] * m[5],
        m[3] * m[7] - m[4] * m[6],
        m[1] * m[6] - m[0] * m[7],
        m[0] * m[4] - m[1] * m[3]
      };
      double volume = m[0] * cofactors[0] + m[1] * cofactors[3] + m[2] * cofactors[6];
      if (!(Math.abs(volume) > LEAST_VOLUME)) {
        return null;
      }
      for (int k = 0; k < 9; k++) {
        cofactors[k] /= volume;
      }
      return new Box(p[0], cofactors, depth, Math.max(extent, 1e-9));
    }

    /** Writes the numbers of the ray through (u, v), if it enters the box before the camera. */
    void enter(double u, double v, float[] to, int at) {
      double near = 0;
      double far = Double.POSITIVE_INFINITY;
      double[] start = new double[3];
      double[] step = new double[3];
      for (int k = 0; k < 3; k++) {
        double a = inverse[3 * k];
        double b = inverse[3 * k + 1];
        double c = inverse[3 * k + 2];
        start[k] = -(a * origin[0] + b * origin[1] + c * origin[2]);
        step[k] = a * u + b * v + c;
        double first = -start[k] / step[k];
        double second = (1 - start[k]) / step[k];
        if (step[k] == 0) {
          boolean within = start[k] >= 0 && start[k] <= 1;
          first = within ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
          second = Double.POSITIVE_INFINITY;
        }
        near = Math.max(near, Math.min(first, second));
        far = Math.min(far, Math.max(first, second));
      }
      if (!(near > 0 && near <= far)) {
        return;
      }
      to[at] = 1;
      to[at + 1] = (float) ((near - depth) / extent);
      for (int k = 0; k < 3; k++) {
        to[at + 2 + k] = (float) Math.clamp(2 * (start[k] + near * step[k]) - 1, -1, 1);
      }
    }
  }
}
