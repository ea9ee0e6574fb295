package nacre.datasets.object;

import java.awt.image.BufferedImage;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The colors of OBJect's masks, the qualitative palette Set1 of ColorBrewer: one an object, in 0 to
 * 255. 3DIT's own loader compares masks in 0 to 255 with the palette in 0 to 1, and so never finds
 * the edited object where a mask holds these colors; here both are in 0 to 255.
 */
final class MaskColors {
  /** The number of colors, and most objects of a mask. */
  static final int COUNT = 9;

  /** The color of the object that is edited. */
  static final int EDITED = 1;

  private static final int[][] COLORS = {
    {228, 26, 28},
    {55, 126, 184},
    {77, 175, 74},
    {152, 78, 163},
    {255, 127, 0},
    {255, 255, 51},
    {166, 86, 40},
    {247, 129, 191},
    {153, 153, 153}
  };

  /** How far a pixel may be from a color, squared; what is further belongs to no object. */
  private static final int NEAR = 40 * 40;

  /** Colors that an error message names. */
  private static final int NAMED = 3;

  private MaskColors() {}

  /**
   * The color of each pixel, row by row: its index, or −1 for the ground, which is transparent or
   * of a color that is near none.
   */
  static byte[] indices(BufferedImage mask) {
    int width = mask.getWidth();
    int[] pixels = mask.getRGB(0, 0, width, mask.getHeight(), null, 0, width);
    byte[] indices = new byte[pixels.length];
    int last = 0;
    byte index = -1;
    for (int i = 0; i < pixels.length; i++) {
      if (i == 0 || pixels[i] != last) {
        last = pixels[i];
        index = index(last);
      }
      indices[i] = index;
    }
    return indices;
  }

  private static byte index(int argb) {
    if (argb >>> 24 == 0) {
      return -1;
    }
    int best = -1;
    int distance = NEAR + 1;
    for (int k = 0; k < COUNT; k++) {
      int red = (argb >> 16 & 0xFF) - COLORS[k][0];
      int green = (argb >> 8 & 0xFF) - COLORS[k][1];
      int blue = (argb & 0xFF) - COLORS[k][2];
      int d = red * red + green * green + blue * blue;
      if (d < distance) {
        distance = d;
        best = k;
      }
    }
    return (byte) best;
  }

  /** The most frequent colors of a mask, for the message that the right one is not among them. */
  static String common(BufferedImage mask) {
    int width = mask.getWidth();
    int[] pixels = mask.getRGB(0, 0, width, mask.getHeight(), null, 0, width);
    Map<Integer, Integer> counts = new HashMap<>();
    for (int pixel : pixels) {
      counts.merge(pixel, 1, Integer::sum);
    }
    List<Integer> most =
        counts.keySet().stream()
            .sorted(Comparator.comparing((Integer c) -> -counts.get(c)).thenComparing(c -> c))
            .limit(NAMED)
            .toList();
    return most.stream()
        .map(
            c ->
                String.format(Locale.ROOT, "(%d, %d, %d)", c >> 16 & 0xFF, c >> 8 & 0xFF, c & 0xFF))
        .collect(Collectors.joining(", "));
  }
}
