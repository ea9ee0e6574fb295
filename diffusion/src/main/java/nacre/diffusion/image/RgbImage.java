package nacre.diffusion.image;

import java.awt.image.BufferedImage;
import java.util.Locale;
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
          String.format(
              Locale.ROOT,
              "image: %d bytes are no RGB picture of %d×%d",
              rgb.length,
              width,
              height));
    }
  }

  /**
   * A picture from an image of any type. Gray is repeated, alpha dropped after premultiplied colors
   * are divided by it, 16 and 32 bits are truncated to 8. Only colors that are neither gray nor RGB
   * are converted, by Java.
   */
  public static RgbImage of(BufferedImage image) {
    return new RgbImage(Pixels.rgb(image), image.getWidth(), image.getHeight());
  }

  /** Whether no pixel of an image is transparent, not even in part. */
  public static boolean isOpaque(BufferedImage image) {
    return Pixels.areOpaque(image);
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
    return resize(newWidth, newHeight, PillowFilter.LANCZOS);
  }

  /** The picture resized with a filter; proportions are not kept. */
  public RgbImage resize(int newWidth, int newHeight, PillowFilter filter) {
    byte[] resized = filter.resize(rgb, width, height, newWidth, newHeight);
    return new RgbImage(resized, newWidth, newHeight);
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
   * The picture as a mask, {@code f32[1, height, width, 1]}: 1 where its luma (ITU-R BT.601,
   * rounded to 8 bits as Pillow does) is at least 128, 0 elsewhere.
   */
  public Tensor toMask(Device device) {
    float[] values = new float[width * height];
    for (int i = 0; i < values.length; i++) {
      int red = rgb[3 * i] & 0xFF;
      int green = rgb[3 * i + 1] & 0xFF;
      int blue = rgb[3 * i + 2] & 0xFF;
      int luma = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
      values[i] = luma >= 128 ? 1 : 0;
    }
    return Tensor.of(device, Shape.of(1, height, width, 1), values);
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
