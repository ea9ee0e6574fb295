package nacre.cli.output;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.function.Consumer;

/** White RGB pictures to draw on, antialiased and without a display. */
final class Canvas {
  static final Color INK = new Color(0x222222);
  static final Color FAINT_INK = new Color(0x707070);

  private Canvas() {}

  static BufferedImage draw(int width, int height, Consumer<Graphics2D> painter) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    try {
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.setRenderingHint(
          RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
      graphics.setColor(Color.WHITE);
      graphics.fillRect(0, 0, width, height);
      graphics.setColor(INK);
      painter.accept(graphics);
    } finally {
      graphics.dispose();
    }
    return image;
  }
}
