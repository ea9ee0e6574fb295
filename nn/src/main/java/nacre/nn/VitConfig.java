package nacre.nn;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import nacre.tensor.spi.Unary;
import nacre.weights.ConfigJson;
import nacre.weights.ConfigRange;
import nacre.weights.OneLine;

/**
 * The configuration of a {@link Vit}, under the names and with the defaults of the family's
 * configuration in transformers.
 *
 * @param hiddenSize width of the tokens
 * @param intermediateSize inner width of the feed-forward; of DINOv2 {@code mlp_ratio} times the
 *     width
 * @param hiddenAct activation of the feed-forward: {@code gelu}, {@code gelu_new}, {@code
 *     gelu_pytorch_tanh}, {@code quick_gelu}, {@code relu}, {@code silu}
 * @param imageSize side of the square image in pixels for which there are positions
 * @param patchSize side of the square patches in pixels
 * @param qkvBias whether query, key and value have a bias; CLIP's always have
 * @param dinov2 what only DINOv2 has
 */
public record VitConfig(
    VitFamily family,
    int hiddenSize,
    int numHiddenLayers,
    int numAttentionHeads,
    int intermediateSize,
    String hiddenAct,
    double layerNormEps,
    int imageSize,
    int patchSize,
    int numChannels,
    boolean qkvBias,
    Dinov2 dinov2) {

  /**
   * The settings of DINOv2 alone.
   *
   * @param layerScaleValue what the scales of layers begin as
   * @param useSwigluFfn whether the feed-forward is SwiGLU, as in the giant model: two thirds of
   *     the inner width, rounded up to a multiple of 8, twice
   * @param useMaskToken whether files have the token for masked patches, which is not used
   * @param numRegisterTokens tokens between class token and patches
   */
  public record Dinov2(
      double layerScaleValue, boolean useSwigluFfn, boolean useMaskToken, int numRegisterTokens) {
    /** For the other families. */
    static final Dinov2 NONE = new Dinov2(1, false, false, 0);
  }

  /**
   * Checks the ranges, and that the numbers are consistent.
   *
   * @throws IllegalArgumentException naming the key
   */
  public VitConfig {
    String model = family.title() + " config";
    ConfigRange range = new ConfigRange(model + ": ");
    range.whole("hidden_size", hiddenSize, 1, 1 << 16);
    range.whole("num_hidden_layers", numHiddenLayers, 1, 1000);
    range.whole("num_attention_heads", numAttentionHeads, 1, 1 << 16);
    range.whole("intermediate_size", intermediateSize, 1, 1 << 18);
    range.number("layer_norm_eps", layerNormEps, 1e-30, 1);
    range.whole("image_size", imageSize, 1, 8192);
    range.whole("patch_size", patchSize, 1, 8192);
    range.whole("num_channels", numChannels, 1, 1 << 16);
    range.whole("num_register_tokens", dinov2.numRegisterTokens, 0, 1 << 16);
    requireDivisible(model, "hidden_size", hiddenSize, "num_attention_heads", numAttentionHeads);
    requireDivisible(model, "image_size", imageSize, "patch_size", patchSize);
    if (family == VitFamily.VIT_MAE) {
      requireDivisible(model, "hidden_size", hiddenSize, "the parts of a position,", 4);
    }
    HiddenAct.of(family.title(), hiddenAct);
  }

  /** Of the family {@link VitFamily#VIT}. */
  public VitConfig(
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
    this(
        VitFamily.VIT,
        hiddenSize,
        numHiddenLayers,
        numAttentionHeads,
        intermediateSize,
        hiddenAct,
        layerNormEps,
        imageSize,
        patchSize,
        numChannels,
        qkvBias,
        Dinov2.NONE);
  }

  /**
   * Reads a {@code config.json}, whose {@code model_type} says which family it is, ViT where it is
   * missing. Of {@code clip} the vision tower is read. Unknown keys are ignored.
   *
   * @throws IllegalArgumentException if the type is not known, a value is of the wrong type, or the
   *     numbers are inconsistent
   */
  public static VitConfig of(JsonNode json) {
    if (json.has("_class_name") && !json.has("model_type")) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "is of the class %s of diffusers, which is no vision transformer",
              OneLine.clip(json.get("_class_name").asText())));
    }
    String type = new ConfigJson("config", json).text("model_type", VitFamily.VIT.modelType());
    VitFamily family = VitFamily.of(type);
    return of(family, type.equals("clip") ? tower(json) : json);
  }

  /** Reads a configuration of a family, whatever its {@code model_type}. */
  static VitConfig of(VitFamily family, JsonNode json) {
    ConfigJson c = new ConfigJson(family.title() + " config", json);
    boolean dinov2 = family.isDinov2();
    boolean clip = family == VitFamily.CLIP;
    int width = c.integer("hidden_size", 768);
    int inner;
    try {
      inner =
          dinov2
              ? Math.multiplyExact(width, c.integer("mlp_ratio", 4))
              : c.integer("intermediate_size", 3072);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(c.model() + ": mlp_ratio is too large", e);
    }
    return new VitConfig(
        family,
        width,
        c.integer("num_hidden_layers", 12),
        c.integer("num_attention_heads", 12),
        inner,
        c.text("hidden_act", clip ? "quick_gelu" : "gelu"),
        c.number("layer_norm_eps", dinov2 ? 1e-6 : clip ? 1e-5 : 1e-12),
        c.side("image_size", 224),
        c.side("patch_size", dinov2 ? 14 : clip ? 32 : 16),
        c.integer("num_channels", 3),
        clip || c.flag("qkv_bias", true),
        dinov2
            ? new Dinov2(
                c.number("layerscale_value", 1),
                c.flag("use_swiglu_ffn", false),
                family == VitFamily.DINOV2_WITH_REGISTERS || c.flag("use_mask_token", true),
                family == VitFamily.DINOV2_WITH_REGISTERS ? c.integer("num_register_tokens", 4) : 0)
            : Dinov2.NONE);
  }

  /** The vision tower in a configuration of CLIP; old files have it twice, and the dict counts. */
  private static JsonNode tower(JsonNode json) {
    for (String key : new String[] {"vision_config_dict", "vision_config"}) {
      if (json.hasNonNull(key)) {
        if (!json.get(key).isObject()) {
          throw new IllegalArgumentException("CLIP config: " + key + " must be an object");
        }
        return json.get(key);
      }
    }
    return JsonNodeFactory.instance.objectNode();
  }

  /** The {@code config.json} from which transformers builds the same model. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add(family.className());
    json.put("model_type", family.modelType());
    json.setAll(keys());
    return json;
  }

  /** The keys of {@link #toJson} that say something about the model's sizes. */
  public ObjectNode keys() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("hidden_size", hiddenSize)
        .put("num_hidden_layers", numHiddenLayers)
        .put("num_attention_heads", numAttentionHeads);
    if (family.isDinov2()) {
      json.put("mlp_ratio", intermediateSize / hiddenSize)
          .put("layerscale_value", dinov2.layerScaleValue)
          .put("use_swiglu_ffn", dinov2.useSwigluFfn);
    } else {
      json.put("intermediate_size", intermediateSize);
    }
    if (family == VitFamily.DINOV2) {
      json.put("use_mask_token", dinov2.useMaskToken);
    }
    if (family == VitFamily.DINOV2_WITH_REGISTERS) {
      json.put("num_register_tokens", dinov2.numRegisterTokens);
    }
    if (family == VitFamily.VIT_MAE) {
      json.put("mask_ratio", 0.0); // whoever opens it wants all patches, there is no decoder
    }
    json.put("hidden_act", hiddenAct)
        .put("layer_norm_eps", layerNormEps)
        .put("image_size", imageSize)
        .put("patch_size", patchSize)
        .put("num_channels", numChannels);
    return family == VitFamily.CLIP ? json : json.put("qkv_bias", qkvBias);
  }

  /** Patches along a side of the image. */
  public int grid() {
    return imageSize / patchSize;
  }

  /** Tokens before those of the patches: the class token and registers. */
  public int prefixTokens() {
    return 1 + dinov2.numRegisterTokens;
  }

  /** The activation that {@link #hiddenAct} names. */
  public Unary activation() {
    return HiddenAct.of(family.title(), hiddenAct);
  }

  /** Outputs of the feed-forward's first layer; SwiGLU's has gates and values beside each other. */
  int innerOutputs() {
    return dinov2.useSwigluFfn ? 2 * innerSize() : intermediateSize;
  }

  /** Inputs of the feed-forward's last layer. */
  int innerSize() {
    return dinov2.useSwigluFfn ? ((int) (intermediateSize * 2L / 3) + 7) / 8 * 8 : intermediateSize;
  }

  /** The full name of the parameter that holds the position embeddings. */
  public String positionsName() {
    VitNames names = names();
    return names.prefix().isEmpty() ? names.positions() : names.prefix() + "." + names.positions();
  }

  /** The names of its parameters. */
  VitNames names() {
    return switch (family) {
      case VIT, VIT_MAE -> VitNames.VIT;
      case DINOV2, DINOV2_WITH_REGISTERS -> VitNames.dinov2(dinov2.useSwigluFfn);
      case CLIP -> VitNames.CLIP;
    };
  }

  private static void requireDivisible(
      String model, String name, int value, String by, int divisor) {
    if (value <= 0 || divisor <= 0 || value % divisor != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: %s %d is not a multiple of %s %d",
              model,
              name,
              value,
              by,
              divisor));
    }
  }
}
