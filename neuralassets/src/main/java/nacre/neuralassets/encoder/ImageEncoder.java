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
   * @param pixels images of {@link ImageEncoderConfig#imageSize}, normalized by its mean and
   *     standard deviation
   */
  Tensor features(Tensor pixels);
}
