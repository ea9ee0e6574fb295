package nacre.evaluation.baseline;

import java.io.IOException;
import java.util.List;
import nacre.evaluation.EditCase;

/** Pictures as arrays {@code [S, S, 3]} in [0, 1], and how they are read between pixels. */
final class Pictures {
  private Pictures() {}

  /** The drawing of one case. */
  interface Drawing {
    float[] of(EditCase edit, int index) throws IOException;
  }

  /** The pictures of cases, one after the other. */
  static float[] joined(List<EditCase> cases, Drawing drawing) throws IOException {
    float[] all = new float[cases.stream().mapToInt(c -> c.size() * c.size() * 3).sum()];
    int at = 0;
    for (int i = 0; i < cases.size(); i++) {
      float[] one = drawing.of(cases.get(i), i);
      System.arraycopy(one, 0, all, at, one.length);
      at += one.length;
    }
    return all;
  }

  /**
   * The color and the share of a masked picture at a place, interpolated between the four nearest
   * pixel centers; beyond the edges the picture goes on as its last pixels are.
   *
   * @param u from 0, the left edge, to 1, the right one
   * @param v from 0, the top, to 1
   * @param rgba filled with color times share, and the share
   */
  static void sample(float[] picture, float[] share, int size, double u, double v, double[] rgba) {
    double x = Math.clamp(u * size - 0.5, 0, size - 1);
    double y = Math.clamp(v * size - 0.5, 0, size - 1);
    int x0 = (int) x;
    int y0 = (int) y;
    int x1 = Math.min(x0 + 1, size - 1);
    int y1 = Math.min(y0 + 1, size - 1);
    rgba[0] = 0;
    rgba[1] = 0;
    rgba[2] = 0;
    rgba[3] = 0;
    add(picture, share, y0 * size + x0, (1 - (x - x0)) * (1 - (y - y0)), rgba);
    add(picture, share, y0 * size + x1, (x - x0) * (1 - (y - y0)), rgba);
    add(picture, share, y1 * size + x0, (1 - (x - x0)) * (y - y0), rgba);
    add(picture, share, y1 * size + x1, (x - x0) * (y - y0), rgba);
  }

  private static void add(float[] picture, float[] share, int pixel, double of, double[] rgba) {
    double weight = of * (share == null ? 1 : share[pixel]);
    rgba[0] += weight * picture[3 * pixel];
    rgba[1] += weight * picture[3 * pixel + 1];
    rgba[2] += weight * picture[3 * pixel + 2];
    rgba[3] += weight;
  }
}
