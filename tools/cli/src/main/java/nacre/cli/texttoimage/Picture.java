package nacre.cli.texttoimage;

import java.awt.image.BufferedImage;
import java.util.Set;
import nacre.diffusion.image.RgbImage;

/**
 * A picture as stored in its file.
 *
 * @param rgb packed bytes [height, width, 3]
 * @param opaque whether none of it is transparent
 */
record Picture(byte[] rgb, int width, int height, boolean opaque) {

  /**
   * The picture rotated and mirrored to be upright.
   *
   * @param orientation 1 to 8, as in the Exif tag of that name (Exif 2.32, table 9): 6 is a picture
   *     that has to be turned clockwise by a quarter
   */
  Picture upright(int orientation) {
    if (orientation == 1) {
      return this;
    }
    boolean lies = orientation >= 5;
    boolean fromRight = Set.of(2, 3, 7, 8).contains(orientation);
    boolean fromBottom = Set.of(3, 4, 6, 7).contains(orientation);
    int newWidth = lies ? height : width;
    byte[] turned = new byte[rgb.length];
    for (int i = 0; i < width * height; i++) {
      int column = lies ? i / newWidth : i % newWidth;
      int row = lies ? i % newWidth : i / newWidth;
      int x = fromRight ? width - 1 - column : column;
      int y = fromBottom ? height - 1 - row : row;
      System.arraycopy(rgb, 3 * (y * width + x), turned, 3 * i, 3);
    }
    return new Picture(turned, newWidth, lies ? width : height, opaque);
  }

  /** The picture as a {@link BufferedImage}. */
  BufferedImage toImage() {
    return new RgbImage(rgb, width, height).toBufferedImage();
  }
}
