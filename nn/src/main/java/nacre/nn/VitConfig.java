package nacre.nn;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import nacre.tensor.spi.Unary;
import nacre.weights.ConfigJson;

/**
 * The configuration of a {@link Vit}, under the names and with the defaults of transformers' {@code
 * ViTConfig}.
 *
 * @param hiddenSize width of the tokens
 * @param hiddenAct activation of the feed-forward: {@code gelu}, {@code gelu_new}, {@code
 *     gelu_pytorch_tanh}, {@code quick_gelu}, {@code relu}, {@code silu}
 * @param imageSize side of the square image in pixels
 * @param patchSize side of the square patches in pixels
 */
public record VitConfig(
    int hiddenSize,
    int numHiddenLayers,
    int numAttentionHeads,
    int intermediateSize,
    String hiddenAct,
    double layerNormEps,
    int imageSize,
    int patchSize,
    int numChannels,
    boolean qkvBias) {

  /** Checks that the numbers are consistent. */
  public VitConfig {
    requireDivisible("hidden_size", hiddenSize, "num_attention_heads", numAttentionHeads);
    requireDivisible("image_size", imageSize, "patch_size", patchSize);
    HiddenAct.of("ViT", hiddenAct);
  }

  /**
   * Reads a {@code config.json}; unknown keys are ignored.
   *
   * @throws IllegalArgumentException if a value is of the wrong type, or the numbers are
   *     inconsistent
   */
  public static VitConfig of(JsonNode json) {
    ConfigJson c = new ConfigJson("ViT config", json);
    return new VitConfig(
        c.integer("hidden_size", 768),
        c.integer("num_hidden_layers", 12),
        c.integer("num_attention_heads", 12),
        c.integer("intermediate_size", 3072),
        c.text("hidden_act", "gelu"),
        c.number("layer_norm_eps", 1e-12),
        c.integer("image_size", 224),
        c.integer("patch_size", 16),
        c.integer("num_channels", 3),
        c.flag("qkv_bias", true));
  }

  /** The {@code config.json} from which transformers builds the same model. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add("ViTModel");
    return json.put("model_type", "vit")
        .put("hidden_size", hiddenSize)
        .put("num_hidden_layers", numHiddenLayers)
        .put("num_attention_heads", numAttentionHeads)
        .put("intermediate_size", intermediateSize)
        .put("hidden_act", hiddenAct)
        .put("layer_norm_eps", layerNormEps)
        .put("image_size", imageSize)
        .put("patch_size", patchSize)
        .put("num_channels", numChannels)
        .put("qkv_bias", qkvBias);
  }

  /** Patches along a side of the image. */
  public int grid() {
    return imageSize / patchSize;
  }

  /** The activation that {@link #hiddenAct} names. */
  public Unary activation() {
    return HiddenAct.of("ViT", hiddenAct);
  }

  private static void requireDivisible(String name, int value, String by, int divisor) {
    if (value <= 0 || divisor <= 0 || value % divisor != 0) {
      throw new IllegalArgumentException(
          "ViT config: " + name + " " + value + " is not a multiple of " + by + " " + divisor);
    }
  }
}
