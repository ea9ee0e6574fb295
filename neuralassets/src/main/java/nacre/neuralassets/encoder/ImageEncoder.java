package nacre.neuralassets.encoder;

import nacre.tensor.Tensor;

/**
 * A network that turns images into a grid of features, from which the appearance of objects is cut
 * out. It is trained together with the rest of the model.
 */
@FunctionalInterface
public interface ImageEncoder {
  /**
   * The features of the patches of images, row by row, without class or register tokens: {@code
   * pixels [N, H, W, 3] → [N, H/patch · W/patch, C]}, in the pixels' dtype.
   *
   * @param pixels images of the size that {@link #prepare} was told, normalized by mean and
   *     standard deviation of the preset
   */
  Tensor features(Tensor pixels);

  /**
   * Prepares for images of a size, once after the encoder was built: {@link #features} may become
   * part of a captured step, which takes nothing from the host. What is made belongs to the current
   * scope, that of the model.
   *
   * @param side of the images that will come, in pixels
   */
  default void prepare(int side) {}
}
