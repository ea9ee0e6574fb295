package nacre.diffusion.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import nacre.nn.HiddenAct;
import nacre.tensor.spi.Unary;
import nacre.weights.ConfigJson;

/**
 * The configuration of a {@link ClipTextModel}, under the names and with the defaults of
 * transformers' {@code CLIPTextConfig}.
 *
 * @param vocabSize number of tokens there are
 * @param hiddenSize width of a token's vector
 * @param intermediateSize width inside the feed-forward
 * @param maxPositionEmbeddings longest text, in tokens
 * @param hiddenAct function of the feed-forward: {@code quick_gelu} in Stable Diffusion 1, {@code
 *     gelu} in 2
 */
public record ClipTextConfig(
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int numHiddenLayers,
    int numAttentionHeads,
    int maxPositionEmbeddings,
    String hiddenAct,
    double layerNormEps) {

  /** Checks that the numbers are consistent. */
  public ClipTextConfig {
    if (hiddenSize < 1 || numAttentionHeads < 1 || hiddenSize % numAttentionHeads != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "CLIP text config: hidden_size %d is not a multiple of num_attention_heads %d",
              hiddenSize,
              numAttentionHeads));
    }
    HiddenAct.of("CLIP text", hiddenAct);
  }

  /**
   * Reads a {@code config.json}; the projection of contrastive training is ignored.
   *
   * @throws IllegalArgumentException naming the key, if a value is wrong
   */
  public static ClipTextConfig of(JsonNode json) {
    ConfigJson c = new ConfigJson("CLIP text config", json);
    c.require("use_attention_mask", false);
    return new ClipTextConfig(
        c.integer("vocab_size", 49408),
        c.integer("hidden_size", 512),
        c.integer("intermediate_size", 2048),
        c.integer("num_hidden_layers", 12),
        c.integer("num_attention_heads", 8),
        c.integer("max_position_embeddings", 77),
        c.text("hidden_act", "quick_gelu"),
        c.number("layer_norm_eps", 1e-5));
  }

  /** The {@code config.json} from which transformers builds the same model. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add("CLIPTextModel");
    return json.put("model_type", "clip_text_model")
        .put("vocab_size", vocabSize)
        .put("hidden_size", hiddenSize)
        .put("intermediate_size", intermediateSize)
        .put("num_hidden_layers", numHiddenLayers)
        .put("num_attention_heads", numAttentionHeads)
        .put("max_position_embeddings", maxPositionEmbeddings)
        .put("hidden_act", hiddenAct)
        .put("layer_norm_eps", layerNormEps);
  }

  /** The activation that {@link #hiddenAct} names. */
  Unary activation() {
    return HiddenAct.of("CLIP text", hiddenAct);
  }
}
