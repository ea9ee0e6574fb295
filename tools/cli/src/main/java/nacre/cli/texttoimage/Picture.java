package nacre.cli.texttoimage;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import nacre.cli.options.UserException;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * A picture between its file and the model.
 *
 * @param rgb packed bytes [height, width, 3]
 */
record Picture(byte[] rgb, int width, int height) {

  /**
   * Reads a picture of any format that Java reads; PNG and JPEG are among them.
   *
   * @throws UserException if there is none
   */
  static Picture read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new UserException(file + ": no such file");
    }
    BufferedImage image;
    try {
      image = ImageIO.read(file.toFile());
    } catch (IOException | RuntimeException e) {
      throw new UserException(file + ": is damaged (" + e.getMessage() + ")", e);
    }
    if (image == null) {
      throw new UserException(file + ": is no picture that can be read; PNG and JPEG can");
    }
    return new Picture(PngFile.rgb(image), image.getWidth(), image.getHeight());
  }

  /** The picture in another size; proportions are not kept. */
  Picture resize(int newWidth, int newHeight) {
    return new Picture(
        Lanczos.resize(rgb, width, height, newWidth, newHeight), newWidth, newHeight);
  }

  /** As the model takes it: {@code f32[1, height, width, 3]} from −1 to 1. */
  Tensor toTensor(Device device) {
    float[] values = new float[rgb.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = 2 * ((rgb[i] & 0xFF) / 255f) - 1;
    }
    return Tensor.of(device, Shape.of(1, height, width, 3), values);
  }

  /** The {@code index}-th of images {@code [N, height, width, 3]} from −1 to 1. */
  static BufferedImage ofTensor(float[] images, int index, int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      float value = images[index * rgb.length + i] / 2 + 0.5f;
      rgb[i] = (byte) Math.rint(Math.clamp(value, 0, 1) * 255);
    }
    return PngFile.image(rgb, width, height);
  }
}
