package nacre.neuralassets.encoder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import nacre.nn.VitConfig;
import nacre.nn.VitFamily;

/**
 * The families of vision transformers as kinds of image encoders, with the keys that their
 * configurations have in transformers.
 */
public final class VitProvider implements ImageEncoderProvider {
  private final VitFamily family;

  /** ViT, which stands for all families. */
  public VitProvider() {
    this(VitFamily.VIT);
  }

  private VitProvider(VitFamily family) {
    this.family = family;
  }

  @Override
  public List<ImageEncoderProvider> kinds() {
    return Arrays.stream(VitFamily.values()).<ImageEncoderProvider>map(VitProvider::new).toList();
  }

  @Override
  public String modelType() {
    return family.modelType();
  }

  @Override
  public Set<String> keys() {
    ObjectNode type = JsonNodeFactory.instance.objectNode().put("model_type", modelType());
    Set<String> keys = new TreeSet<>();
    VitConfig.of(type).keys().fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  @Override
  public ImageEncoderConfig read(JsonNode json) {
    ObjectNode typed = json.deepCopy();
    VitConfig config = VitConfig.of(typed.put("model_type", modelType()));
    if (config.numChannels() != 3) {
      throw new IllegalArgumentException(
          "image_encoder.num_channels does not fit the rest: 3 is wanted");
    }
    return new VitEncoder.Config(config);
  }
}
