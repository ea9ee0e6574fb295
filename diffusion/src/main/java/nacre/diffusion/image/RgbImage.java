package nacre.diffusion.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * An RGB picture with 8 bits a channel, without color management: a model sees the numbers that are
 * in the file.
 *
 * @param rgb packed bytes {@code [height, width, 3]}
 * @param width in pixels
 * @param height in pixels
 */
public record RgbImage(byte[] rgb, int width, int height) {

  /** Checks the size. */
  public RgbImage {
    if (rgb.length != 3 * width * height) {
      throw new IllegalArgumentException(
          "image: %d bytes are no RGB picture of %d×%d".formatted(rgb.length, width, height));
    }
  }

  /**
   * A picture from an image of any type. Gray is repeated, alpha dropped, 16 bits are truncated to
   * 8.
   */
  public static RgbImage of(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] rgb = new byte[3 * width * height];
    if (image.getColorModel() instanceof IndexColorModel palette) {
      for (int i = 0; i < width * height; i++) {
        int color = palette.getRGB(image.getRaster().getSample(i % width, i / width, 0));
        rgb[3 * i] = (byte) (color >> 16);
        rgb[3 * i + 1] = (byte) (color >> 8);
        rgb[3 * i + 2] = (byte) color;
      }
      return new RgbImage(rgb, width, height);
    }
    Raster raster = image.getRaster();
    int bits = image.getColorModel().getComponentSize(0);
    boolean color = raster.getNumBands() >= 3;
    int[] row = new int[width];
    for (int channel = 0; channel < 3; channel++) {
      for (int y = 0; y < height; y++) {
        raster.getSamples(0, y, width, 1, color ? channel : 0, row);
        for (int x = 0; x < width; x++) {
          rgb[3 * (y * width + x) + channel] = (byte) toEightBits(row[x], bits);
        }
      }
    }
    return new RgbImage(rgb, width, height);
  }

  private static int toEightBits(int sample, int bits) {
    if (bits == 16) {
      return sample >> 8;
    }
    return bits == 8 ? sample : sample * 255 / ((1 << bits) - 1);
  }

  /** The picture as a {@link BufferedImage} of type RGB. */
  public BufferedImage toBufferedImage() {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    int[] pixels = new int[width * height];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] =
          (rgb[3 * i] & 0xFF) << 16 | (rgb[3 * i + 1] & 0xFF) << 8 | (rgb[3 * i + 2] & 0xFF);
    }
    image.setRGB(0, 0, width, height, pixels, 0, width);
    return image;
  }

  /** The picture resized with the Lanczos filter; proportions are not kept. */
  public RgbImage resize(int newWidth, int newHeight) {
    return new RgbImage(
        Lanczos.resize(rgb, width, height, newWidth, newHeight), newWidth, newHeight);
  }

  /** The picture as a model's input: {@code f32[1, height, width, 3]} from −1 to 1. */
  public Tensor toTensor(Device device) {
    float[] values = new float[rgb.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = 2 * ((rgb[i] & 0xFF) / 255f) - 1;
    }
    return Tensor.of(device, Shape.of(1, height, width, 3), values);
  }

  /**
   * The pictures of a model's output {@code [N, height, width, 3]}; values beyond −1 and 1 are
   * clamped.
   */
  public static RgbImage[] ofTensor(Tensor images) {
    float[] values = images.toFloats();
    int height = images.dim(1);
    int width = images.dim(2);
    RgbImage[] pictures = new RgbImage[images.dim(0)];
    for (int n = 0; n < pictures.length; n++) {
      byte[] rgb = new byte[3 * width * height];
      for (int i = 0; i < rgb.length; i++) {
        float value = values[n * rgb.length + i] / 2 + 0.5f;
        rgb[i] = (byte) Math.rint(Math.clamp(value, 0, 1) * 255);
      }
      pictures[n] = new RgbImage(rgb, width, height);
    }
    return pictures;
  }
}
