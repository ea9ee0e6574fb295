package nacre.neuralassets.encoder;

import java.util.List;
import java.util.Optional;
import nacre.nn.Parameters;

/** The sizes of an image encoder, from which it is built: "image_encoder" of a preset. */
public interface ImageEncoderConfig {
  /**
   * The kind of encoder, "model_type" of its configuration. It is also the prefix of its parameters
   * in a model, and so must differ from the names of the other parts, such as {@code unet}.
   */
  String modelType();

  /** Side of the square images in pixels; images of another size are resized to it. */
  int imageSize();

  /** Side of the square patches in pixels, a divisor of {@link #imageSize}. */
  int patchSize();

  /** C, the width of the features. */
  int hiddenSize();

  /** The mean of each channel of images in [0, 1], if the preset does not give another. */
  default List<Double> imageMean() {
    return List.of(0.5, 0.5, 0.5);
  }

  /** The standard deviation of each channel of images in [0, 1], if the preset gives no other. */
  default List<Double> imageStd() {
    return List.of(0.5, 0.5, 0.5);
  }

  /**
   * The name of the parameter that holds the encoder's position embeddings, without the prefix of
   * the model type; empty if it has none, or none that can be left out.
   */
  default Optional<String> positions() {
    return Optional.empty();
  }

  /** The library whose class {@link #className} is, as {@code model_index.json} has it. */
  default String library() {
    return "nacre";
  }

  /** The class that {@code model_index.json} names. */
  default String className() {
    return modelType();
  }

  /** Makes an encoder whose parameters are registered under their names on disk. */
  ImageEncoder build(Parameters parameters);
}
