package nacre.neuralassets.model;

import java.util.Arrays;
import nacre.neuralassets.scene.PoseVector;
import nacre.weights.ConfigRange;

/**
 * The features of an object's pose vector of twelve numbers, input of the pose layers. The paper
 * uses these numbers as they are, which is {@code new PoseFeatures(1, false, 0)}; the rest are aids
 * to small models. Computed on the host: a pose carries no gradient.
 *
 * @param depthScale depths are multiplied by it before all else
 * @param derivedBox appends seven numbers, uc, vc, dc, umin, vmin, umax, vmax: the projection of
 *     the box's center, and the extent of its eight projected corners
 * @param octaves each number x is followed by sin 2ᵏπx and cos 2ᵏπx for k below this
 */
public record PoseFeatures(double depthScale, boolean derivedBox, int octaves) {
  private static final int DERIVED = 7;

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
  }

  /** The number of features of a pose. */
  public int width() {
    return base() * (1 + 2 * octaves);
  }

  private int base() {
    return PoseVector.LENGTH + (derivedBox ? DERIVED : 0);
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
    double[] x = new double[base()];
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < PoseVector.LENGTH; j++) {
        double value = poses[i * PoseVector.LENGTH + j];
        x[j] = j % 3 == 2 ? value * depthScale : value;
      }
      if (derivedBox) {
        derive(x);
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
   * Fills in the numbers after the twelfth. In (u·d, v·d, d) a camera's projection is linear, so
   * that all of the box follows from the four corners, whatever the camera.
   */
  private static void derive(double[] x) {
    double[][] p = new double[4][];
    for (int i = 0; i < 4; i++) {
      double d = x[3 * i + 2];
      p[i] = new double[] {x[3 * i] * d, x[3 * i + 1] * d, d};
    }
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
    x[12] = uv[0];
    x[13] = uv[1];
    x[14] = depth;
    System.arraycopy(bounds, 0, x, 15, 4);
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
