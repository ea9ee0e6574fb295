package nacre.evaluation.baseline;

import java.util.List;

/** Layers over one another, the nearest on top at every point. */
final class Layers {
  private final List<Layer> all;
  private final double[] depths;
  private final double[][] colors;

  Layers(List<Layer> layers) {
    all = layers;
    depths = new double[layers.size()];
    colors = new double[layers.size()][4];
  }

  /**
   * Adds what is seen of them at a point.
   *
   * @param front the box of an object that hides what is behind it; null if there is none
   * @param sum of color times share, and of shares
   */
  void add(double u, double v, BoxRays front, double[] sum) {
    double limit = Double.POSITIVE_INFINITY;
    if (front != null && !all.isEmpty()) {
      BoxRays.Hit hit = front.hit(u, v);
      limit = hit == null ? front.depth() : hit.depth();
    }
    for (int i = 0; i < depths.length; i++) {
      depths[i] = all.get(i).look(u, v, colors[i]);
    }
    double left = 1;
    for (int drawn = 0; drawn < depths.length; drawn++) {
      int nearest = 0;
      for (int i = 1; i < depths.length; i++) {
        nearest = depths[i] < depths[nearest] ? i : nearest;
      }
      if (!(depths[nearest] < limit)) {
        return;
      }
      double[] rgba = colors[nearest];
      for (int c = 0; c < 4; c++) {
        sum[c] += left * rgba[c];
      }
      left *= 1 - rgba[3];
      depths[nearest] = Double.POSITIVE_INFINITY;
    }
  }
}
