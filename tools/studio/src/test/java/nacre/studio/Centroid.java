package nacre.studio;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/**
 * Finds an object in a picture by its color.
 *
 * @param hue 0 to 1
 */
record Centroid(float hue) {
  private static final float NEAR = 0.06f;
  private static final float COLORFUL = 0.35f;
  private static final float LIT = 0.2f;

  /** The color of an object's middle in its scene's picture. */
  static Centroid of(JsonNode object, byte[] png) throws IOException {
    return new Centroid(middle(object, ImageIO.read(new ByteArrayInputStream(png)))[0]);
  }

  /** The object with the most saturated color that is seen at some size. */
  static JsonNode mostColorful(JsonNode scene, byte[] png) throws IOException {
    BufferedImage picture = ImageIO.read(new ByteArrayInputStream(png));
    JsonNode best = null;
    float most = -1;
    for (JsonNode object : scene.path("objects")) {
      JsonNode box = object.path("box2");
      boolean large = box.size() == 4 && box.get(2).asDouble() - box.get(0).asDouble() > 0.1;
      float[] color = large ? middle(object, picture) : new float[] {0, -1, 0};
      if (color[1] > most) {
        most = color[1];
        best = object;
      }
    }
    return best;
  }

  private static float[] middle(JsonNode object, BufferedImage picture) {
    JsonNode box = object.path("box2");
    double u = (box.get(0).asDouble() + box.get(2).asDouble()) / 2;
    double v = (box.get(1).asDouble() + box.get(3).asDouble()) / 2;
    return hsb(picture, (int) (u * picture.getWidth()), (int) (v * picture.getHeight()));
  }

  private static float[] hsb(BufferedImage picture, int x, int y) {
    int rgb = picture.getRGB(x, y);
    return Color.RGBtoHSB(rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255, null);
  }

  /** The horizontal center of the color in a picture, from 0 to 1. */
  double u(BufferedImage picture) {
    double sum = 0;
    int count = 0;
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        float[] color = hsb(picture, x, y);
        float off = Math.abs(color[0] - hue);
        if (Math.min(off, 1 - off) < NEAR && color[1] > COLORFUL && color[2] > LIT) {
          sum += x + 0.5;
          count++;
        }
      }
    }
    if (count < 10) {
      throw new AssertionError("only " + count + " pixels have the object's color");
    }
    return sum / count / picture.getWidth();
  }
}
