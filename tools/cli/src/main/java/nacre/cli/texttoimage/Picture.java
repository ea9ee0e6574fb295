package nacre.cli.texttoimage;

import java.awt.image.BufferedImage;
import java.util.Set;
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
   * The picture turned and mirrored so that it stands upright.
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
    return new Picture(turned, newWidth, lies ? width : height);
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
