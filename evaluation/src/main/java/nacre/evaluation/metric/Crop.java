package nacre.evaluation.metric;

import java.util.Locale;

/** A rectangle of a picture's pixels, which is not empty. */
public record Crop(int top, int left, int height, int width) {
  private static final double ROUNDING = 1e-3;

  /** Checks that it is not empty. */
  public Crop {
    if (top < 0 || left < 0 || height < 1 || width < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "no crop: %d × %d pixels at %d, %d", height, width, top, left));
    }
  }

  /**
   * The pixels that a box touches, and those around it where they are fewer than {@code least} a
   * side: as many before as behind, but where the picture ends.
   *
   * @param box y0, x0, y1, x1 in [0, 1]; what lies outside is cut off
   * @param from where the box begins in its array
   * @param size of the square picture, in pixels
   */
  public static Crop ofBox(float[] box, int from, int size, int least) {
    int[] rows = span(box[from], box[from + 2], size, least);
    int[] columns = span(box[from + 1], box[from + 3], size, least);
    return new Crop(rows[0], columns[0], rows[1], columns[1]);
  }

  /** Beginning and length. */
  private static int[] span(double from, double to, int size, int least) {
    // An edge between two pixels, as a float, may lie a little beside it.
    int begin = Math.clamp((long) Math.floor(from * size + ROUNDING), 0, size - 1);
    int end = Math.clamp((long) Math.ceil(to * size - ROUNDING), begin + 1, size);
    int length = Math.min(size, Math.max(least, end - begin));
    int start = begin - (length - (end - begin)) / 2;
    return new int[] {Math.clamp(start, 0, size - length), length};
  }

  /** Its pixels {@code [height, width, 3]} of picture {@code i} of {@code [.., size, size, 3]}. */
  public float[] of(float[] pictures, int i, int size) {
    float[] pixels = new float[height * width * Pictures.CHANNELS];
    int line = width * Pictures.CHANNELS;
    for (int y = 0; y < height; y++) {
      int from = ((i * size + top + y) * size + left) * Pictures.CHANNELS;
      System.arraycopy(pictures, from, pixels, y * line, line);
    }
    return pixels;
  }
}
