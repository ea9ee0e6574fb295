package nacre.neuralassets.encoder;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.Set;

/**
 * A kind of image encoder, which {@code "model_type"} in a preset's {@code "image_encoder"} names.
 * Providers are found by {@link ServiceLoader}: list yours in {@code
 * META-INF/services/nacre.neuralassets.encoder.ImageEncoderProvider}, and in {@code provides} if it
 * lies in a named module.
 */
public interface ImageEncoderProvider {
  /** The model type of a configuration that names none. */
  String DEFAULT = "vit";

  /** The kind of encoder, such as {@code vit}. */
  String modelType();

  /** The keys that its configuration may have besides {@code model_type}; others are errors. */
  Set<String> keys();

  /** The kinds that a listed provider stands for: itself, if it does not stand for several. */
  default List<ImageEncoderProvider> kinds() {
    return List.of(this);
  }

  /**
   * Reads a configuration.
   *
   * @throws IllegalArgumentException in one line that names the key, if a value is wrong
   */
  ImageEncoderConfig read(JsonNode json);

  /**
   * The provider of a model type.
   *
   * @throws IllegalArgumentException naming those there are, if there is none
   */
  static ImageEncoderProvider of(String modelType) {
    List<ImageEncoderProvider> providers =
        ServiceLoader.load(ImageEncoderProvider.class, ImageEncoderProvider.class.getClassLoader())
            .stream()
            .flatMap(provider -> provider.get().kinds().stream())
            .toList();
    return providers.stream()
        .filter(provider -> provider.modelType().equals(modelType))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    String.format(
                        Locale.ROOT,
                        "image_encoder.model_type must be one of %s, not %s",
                        String.join(
                            ", ",
                            providers.stream()
                                .map(ImageEncoderProvider::modelType)
                                .sorted()
                                .toList()),
                        modelType)));
  }
}
