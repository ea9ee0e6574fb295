package nacre.neuralassets.model;

import java.util.Arrays;
import nacre.neuralassets.scene.PoseVector;
import nacre.weights.ConfigRange;

/**
 * The features of an object's pose vector of twelve numbers, input of the pose layers. The paper
 * uses these numbers as they are, which is {@code new PoseFeatures(1, false, 0)}; the rest are aids
 * to small models, and ablations. Computed on the host: a pose carries no gradient.
 *
 * @param depthScale depths are multiplied by it before all else
 * @param derivedBox appends seven numbers, uc, vc, dc, umin, vmin, umax, vmax: the projection of
 *     the box's center, and the extent of its eight projected corners
 * @param octaves each number x is followed by sin 2ᵏπx and cos 2ᵏπx for k below this
 * @param corners how many projected corners there are: 4 as in the paper, the first 3 of them, or
 *     all 8, the other four after them in Kubric's order
 */
public record PoseFeatures(double depthScale, boolean derivedBox, int octaves, int corners) {
  /** The corners of a pose vector: one and its three neighbors. */
  static final int FRAME = PoseVector.LENGTH / 3;

  private static final int DERIVED = 7;

  /** Of all eight corners in Kubric's order, those that a pose vector has not. */
  private static final int[] OTHERS = {3, 5, 6, 7};

  /** Points nearer to the camera's plane than this have no projection; (0, 0) stands for it. */
  private static final double NEAREST = 1e-6;

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming the key
   */
  public PoseFeatures {
    ConfigRange range = new ConfigRange("asset_tokens.");
    range.number("depth_scale", depthScale, 0, 1e6);
    range.whole("pose_octaves", octaves, 0, 30); // in f32, more differ by nothing but noise
    if (corners != 3 && corners != FRAME && corners != 8) {
      throw new IllegalArgumentException("asset_tokens.corners must be 3, 4 or 8, not " + corners);
    }
  }

  /** The four corners of the paper. */
  public PoseFeatures(double depthScale, boolean derivedBox, int octaves) {
    this(depthScale, derivedBox, octaves, FRAME);
  }

  /** The number of features of a pose. */
  public int width() {
    return base() * (1 + 2 * octaves);
  }

  private int base() {
    return 3 * corners + (derivedBox ? DERIVED : 0);
  }

  /**
   * The features of many poses.
   *
   * @param poses {@code [.., 12]} in row-major order
   * @return {@code [.., width()]}: x…, sin x…, cos x…, sin 2x…, cos 2x…
   */
  public float[] of(float[] poses) {
    int count = poses.length / PoseVector.LENGTH;
    float[] features = new float[count * width()];
    double[] frame = new double[PoseVector.LENGTH];
    double[] x = new double[base()];
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < PoseVector.LENGTH; j++) {
        double value = poses[i * PoseVector.LENGTH + j];
        frame[j] = j % 3 == 2 ? value * depthScale : value;
      }
      System.arraycopy(frame, 0, x, 0, 3 * Math.min(corners, FRAME));
      double[][] points = points(frame);
      if (corners > FRAME) {
        complete(points, x);
      }
      if (derivedBox) {
        derive(points, x, 3 * corners);
      }
      write(x, features, i * width());
    }
    return features;
  }

  private void write(double[] x, float[] features, int at) {
    int n = x.length;
    for (int j = 0; j < n; j++) {
      features[at + j] = (float) x[j];
      for (int k = 0; k < octaves; k++) {
        double angle = (1L << k) * Math.PI * x[j];
        features[at + (2 * k + 1) * n + j] = (float) Math.sin(angle);
        features[at + (2 * k + 2) * n + j] = (float) Math.cos(angle);
      }
    }
  }

  /**
   * The four corners as (u·d, v·d, d), in which a camera's projection is linear, so that all of the
   * box follows from them, whatever the camera.
   */
  private static double[][] points(double[] frame) {
    double[][] p = new double[FRAME][];
    for (int i = 0; i < FRAME; i++) {
      double d = frame[3 * i + 2];
      p[i] = new double[] {frame[3 * i] * d, frame[3 * i + 1] * d, d};
    }
    return p;
  }

  /** Fills in the four corners that the pose vector has not, after its own. */
  private static void complete(double[][] p, double[] x) {
    double[] uv = new double[2];
    int at = PoseVector.LENGTH;
    for (int corner : OTHERS) {
      double depth = project(p, corner & 1, corner >> 1 & 1, corner >> 2 & 1, uv);
      x[at++] = uv[0];
      x[at++] = uv[1];
      x[at++] = depth;
    }
  }

  /** Fills in center and extent. */
  private static void derive(double[][] p, double[] x, int at) {
    double[] uv = new double[2];
    double[] bounds = new double[4];
    Arrays.fill(bounds, 0, 2, Double.POSITIVE_INFINITY);
    Arrays.fill(bounds, 2, 4, Double.NEGATIVE_INFINITY);
    for (int corner = 0; corner < 8; corner++) {
      project(p, corner >> 2 & 1, corner >> 1 & 1, corner & 1, uv);
      for (int axis = 0; axis < 2; axis++) {
        bounds[axis] = Math.min(bounds[axis], uv[axis]);
        bounds[2 + axis] = Math.max(bounds[2 + axis], uv[axis]);
      }
    }
    double depth = project(p, 0.5, 0.5, 0.5, uv);
    x[at] = uv[0];
    x[at + 1] = uv[1];
    x[at + 2] = depth;
    System.arraycopy(bounds, 0, x, at + 3, 4);
  }

  /**
   * Projects the point at given fractions of the three edges from the first corner; returns its
   * depth.
   */
  private static double project(double[][] p, double a, double b, double c, double[] uv) {
    double depth = along(p, 2, a, b, c);
    boolean seen = depth > NEAREST;
    uv[0] = seen ? along(p, 0, a, b, c) / depth : 0;
    uv[1] = seen ? along(p, 1, a, b, c) / depth : 0;
    return depth;
  }

  private static double along(double[][] p, int i, double a, double b, double c) {
    double o = p[0][i];
    return o + a * (p[1][i] - o) + b * (p[2][i] - o) + c * (p[3][i] - o);
  }
}
