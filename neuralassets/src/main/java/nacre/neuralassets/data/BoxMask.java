package nacre.neuralassets.data;

/** Masks of the pixels that lie in any of some 2D boxes. */
public final class BoxMask {
  private BoxMask() {}

  /**
   * The mask, row by row. Edges are rounded to whole pixels, half to even, as the model's own masks
   * are.
   *
   * @param boxes (y0, x0, y1, x1) in image units, one after the other; empty ones hold no pixel
   * @param at index of the first number of this image's boxes
   */
  public static boolean[] of(float[] boxes, int at, int count, int size) {
    boolean[] mask = new boolean[size * size];
    for (int i = 0; i < count; i++) {
      int k = at + 4 * i;
      int left = edge(boxes[k + 1], size);
      int right = edge(boxes[k + 3], size);
      for (int y = edge(boxes[k], size); y < edge(boxes[k + 2], size); y++) {
        for (int x = left; x < right; x++) {
          mask[y * size + x] = true;
        }
      }
    }
    return mask;
  }

  private static int edge(float share, int size) {
    return (int) Math.clamp(Math.rint((double) share * size), 0, size);
  }
}
