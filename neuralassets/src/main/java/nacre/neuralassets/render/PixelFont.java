package nacre.neuralassets.render;

import java.awt.image.BufferedImage;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * A bitmap font for captions, because a server's Java often has no fonts. It has A–Z (lower case
 * appears as capitals), digits and a few punctuation marks; anything else appears as a frame.
 */
final class PixelFont {
  /** Height of a letter at scale 1. */
  static final int HEIGHT = 7;

  /** Width of a letter with the space after it at scale 1. */
  static final int ADVANCE = 6;

  private static final String[] ROWS = {
    // Five columns a letter, '#' is ink; the letters of SIGNS from left to right.
    " ### |#### | ### |#### |#####|#####| ### |#   #| ### |    #|#   #|#    |#   #|",
    "#   #|#   #|#   #|#   #|#    |#    |#   #|#   #|  #  |    #|#  # |#    |## ##|",
    "#   #|#   #|#    |#   #|#    |#    |#    |#   #|  #  |    #|# #  |#    |# # #|",
    "#####|#### |#    |#   #|#### |#### |# ###|#####|  #  |    #|##   |#    |# # #|",
    "#   #|#   #|#    |#   #|#    |#    |#   #|#   #|  #  |#   #|# #  |#    |#   #|",
    "#   #|#   #|#   #|#   #|#    |#    |#   #|#   #|  #  |#   #|#  # |#    |#   #|",
    "#   #|#### | ### |#### |#####|#    | ### |#   #| ### | ### |#   #|#####|#   #|",
    "#   #| ### |#### | ### |#### | ####|#####|#   #|#   #|#   #|#   #|#   #|#####|",
    "##  #|#   #|#   #|#   #|#   #|#    |  #  |#   #|#   #|#   #|#   #|#   #|    #|",
    "##  #|#   #|#   #|#   #|#   #|#    |  #  |#   #|#   #|#   #| # # | # # |   # |",
    "# # #|#   #|#### |#   #|#### | ### |  #  |#   #|#   #|# # #|  #  |  #  |  #  |",
    "#  ##|#   #|#    |# # #|# #  |    #|  #  |#   #|#   #|# # #| # # |  #  | #   |",
    "#  ##|#   #|#    |#  # |#  # |    #|  #  |#   #| # # |## ##|#   #|  #  |#    |",
    "#   #| ### |#    | ## #|#   #|#### |  #  | ### |  #  |#   #|#   #|  #  |#####|",
    " ### |  #  | ### |#### |   # |#####| ### |#####| ### | ### |     |     |     |",
    "#   #| ##  |#   #|    #|  ## |#    |#    |    #|#   #|#   #|     |     |  #  |",
    "#  ##|  #  |    #|    #| # # |#### |#    |   # |#   #|#   #|     |     |  #  |",
    "# # #|  #  |   # | ### |#  # |    #|#### |  #  | ### | ####|#####|     |     |",
    "##  #|  #  |  #  |    #|#####|    #|#   #|  #  |#   #|    #|     |     |  #  |",
    "#   #|  #  | #   |    #|   # |#   #|#   #|  #  |#   #|    #|     |     |  #  |",
    " ### | ### |#####|#### |   # | ### | ### |  #  | ### | ### |     |  #  |     |",
    "     |     |    #|   # | #   |     |     | ### |     |##  #|     |     |     |",
    "     |     |    #|  #  |  #  |     |  #  |#   #|     |##  #|  #  |     |     |",
    "     |     |   # | #   |   # |#   #|  #  |    #|     |   # |     |     |     |",
    "     |     |  #  | #   |   # | # # |#####|  ## |#####|  #  |     |     |     |",
    "     |     | #   | #   |   # |  #  |  #  |     |     | #   |  #  |     |     |",
    "     |  #  |#    |  #  |  #  | # # |  #  |  #  |#####|#  ##|  #  |     |     |",
    "#####|  #  |#    |   # | #   |#   #|     |     |     |#  ##| #   |     |     |",
  };

  private static final String[] SIGNS = {
    "ABCDEFGHIJKLM", "NOPQRSTUVWXYZ", "0123456789-.:", "_,/()×+?=%;  "
  };

  private static final Map<Character, int[]> GLYPHS = glyphs();

  private PixelFont() {}

  /** Width of a text in pixels. */
  static int width(String text, int scale) {
    return text.length() * ADVANCE * scale;
  }

  /**
   * Draws text with its upper left corner at (x, y).
   *
   * @param rgb color as 0xRRGGBB
   */
  static void draw(BufferedImage image, String text, int x, int y, int scale, int rgb) {
    String upper = text.toUpperCase(Locale.ROOT);
    for (int i = 0; i < upper.length(); i++) {
      int[] glyph = GLYPHS.getOrDefault(upper.charAt(i), GLYPHS.get('\0'));
      for (int row = 0; row < HEIGHT; row++) {
        for (int col = 0; col < 5; col++) {
          if ((glyph[row] >> col & 1) != 0) {
            block(image, x + (i * ADVANCE + col) * scale, y + row * scale, scale, rgb);
          }
        }
      }
    }
  }

  private static void block(BufferedImage image, int x, int y, int size, int rgb) {
    for (int py = Math.max(0, y); py < Math.min(image.getHeight(), y + size); py++) {
      for (int px = Math.max(0, x); px < Math.min(image.getWidth(), x + size); px++) {
        image.setRGB(px, py, 0xFF000000 | rgb);
      }
    }
  }

  private static Map<Character, int[]> glyphs() {
    Map<Character, int[]> glyphs = new HashMap<>();
    for (int line = 0; line < SIGNS.length; line++) {
      for (int k = 0; k < SIGNS[line].length(); k++) {
        int[] rows = new int[HEIGHT];
        for (int row = 0; row < HEIGHT; row++) {
          for (int col = 0; col < 5; col++) {
            if (ROWS[HEIGHT * line + row].charAt(6 * k + col) == '#') {
              rows[row] |= 1 << col;
            }
          }
        }
        glyphs.put(SIGNS[line].charAt(k), rows);
      }
    }
    glyphs.put('\0', new int[] {31, 17, 17, 17, 17, 17, 31});
    return glyphs;
  }
}
