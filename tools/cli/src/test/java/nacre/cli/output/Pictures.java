package nacre.cli.output;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;

/** Small pictures for tests. */
final class Pictures {
  private Pictures() {}

  static BufferedImage plain(int width, int height, int rgb) {
    BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = picture.createGraphics();
    graphics.setColor(new Color(rgb));
    graphics.fillRect(0, 0, width, height);
    graphics.dispose();
    return picture;
  }

  /** A sky that fades, a ground with a grain, and a ball at {@code ballX}. */
  static BufferedImage scene(int size, int ballX) {
    BufferedImage picture = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < size; x++) {
        int grain = (x * 7 + y * 13) % 11;
        int rgb =
            y < size / 2
                ? 110 + 60 * y / size << 16 | 150 + 60 * y / size << 8 | 220
                : 120 + grain << 16 | 95 + grain << 8 | 60 + grain;
        int distance = (x - ballX) * (x - ballX) + (y - size / 2) * (y - size / 2);
        int radius = size / 6;
        boolean ball = distance < radius * radius;
        picture.setRGB(x, y, ball ? 230 - 120 * distance / (radius * radius) << 16 | 0x2020 : rgb);
      }
    }
    return picture;
  }
}
