package nacre.cli.output;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;

/** Enlarging small pictures by a whole factor. */
public enum Upscaling {
  /** Nearest neighbor: every pixel becomes a square, which shows the model's actual output. */
  NEAREST(RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR),
  /** Bicubic: smooth. */
  SMOOTH(RenderingHints.VALUE_INTERPOLATION_BICUBIC);

  private final Object hint;

  Upscaling(Object hint) {
    this.hint = hint;
  }

  /**
   * Image {@code [h, w] → [h × factor, w × factor]}, always a fresh RGB image.
   *
   * @throws IllegalArgumentException if {@code factor} is below 1
   */
  public BufferedImage apply(BufferedImage image, int factor) {
    if (factor < 1) {
      throw new IllegalArgumentException("upscaling factor " + factor + " is below 1");
    }
    int width = Math.multiplyExact(image.getWidth(), factor);
    int height = Math.multiplyExact(image.getHeight(), factor);
    BufferedImage large = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = large.createGraphics();
    try {
      graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, hint);
      graphics.drawImage(image, 0, 0, width, height, null);
    } finally {
      graphics.dispose();
    }
    return large;
  }
}
