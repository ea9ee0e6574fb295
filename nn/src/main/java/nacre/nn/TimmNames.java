package nacre.nn;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import nacre.tensor.Shape;
import nacre.weights.KeyMapping;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * The parameter names of a {@link Vit} in timm, and in the files that DINO's authors published:
 * query, key and value are one tensor, and the config names the architecture only.
 *
 * @see <a href="https://github.com/huggingface/pytorch-image-models">timm</a>
 */
final class TimmNames {
  private static final KeyMapping LAYER =
      KeyMapping.builder()
          .pair("norm1", "layernorm_before")
          .stacked("attn.qkv.weight", projections("weight"))
          .stacked("attn.qkv.bias", projections("bias"))
          .pair("attn.proj", "attention.output.dense")
          .pair("norm2", "layernorm_after")
          .pair("mlp.fc1", "intermediate.dense")
          .pair("mlp.fc2", "output.dense")
          .build();

  /** A tensor that only vision transformers of timm have. */
  static final String FIRST = "blocks.0.attn.qkv.weight";

  private TimmNames() {}

  private static List<String> projections(String what) {
    String attention = "attention.attention.";
    return List.of(
        attention + "query." + what, attention + "key." + what, attention + "value." + what);
  }

  /** Whether tensors are named as in timm. */
  static boolean are(Map<String, ?> names) {
    return names.containsKey(FIRST);
  }

  /** The mapping from timm's names to those in memory. */
  static KeyMapping of(int layers) {
    KeyMapping.Builder names =
        KeyMapping.builder()
            .pair("cls_token", "embeddings.cls_token")
            .pair("pos_embed", "embeddings.position_embeddings")
            .pair("patch_embed.proj", "embeddings.patch_embeddings.projection")
            .pair("norm", "layernorm");
    for (int i = 0; i < layers; i++) {
      names.below("blocks." + i, "encoder.layer." + i, LAYER);
    }
    return names.build();
  }

  /**
   * The configuration that the tensors imply, completed by timm's defaults: plain ViTs have heads
   * of 64 channels, GELU and an epsilon of 1e-6 unless {@code model_args} say otherwise.
   *
   * @param file timm's {@code config.json}, for messages, or the weights where there is none
   * @param json what it holds; missing where there is none
   * @throws WeightsException if the architecture is another, in one line
   */
  static VitConfig config(Path file, JsonNode json, StateDict dict) throws WeightsException {
    String architecture = json.path("architecture").asText();
    if (!json.isMissingNode()
        && !architecture.matches("vit_(tiny|small|medium|base|large)_patch\\d+_\\d+(\\..*)?")) {
      throw new WeightsException(
          file, "architecture '" + architecture + "' is no plain vision transformer of timm");
    }
    Shape projection = shape(file, dict, "patch_embed.proj.weight", 4); // [C, channels, P, P]
    Shape positions = shape(file, dict, "pos_embed", 3); // [1, 1 + grid², C]
    Shape inner = shape(file, dict, "blocks.0.mlp.fc1.weight", 2); // [I, C]
    int layers = 0;
    while (dict.entries().containsKey("blocks." + layers + ".norm1.weight")) {
      layers++;
    }
    int width = projection.dim(0);
    int grid = (int) Math.round(Math.sqrt(positions.dim(1) - 1));
    JsonNode arguments = json.path("model_args");
    try {
      return new VitConfig(
          width,
          layers,
          arguments.path("num_heads").asInt(width / 64),
          inner.dim(0),
          arguments.path("act_layer").asText("gelu"),
          1e-6,
          grid * projection.dim(2),
          projection.dim(2),
          projection.dim(1),
          dict.entries().containsKey("blocks.0.attn.qkv.bias"));
    } catch (IllegalArgumentException e) {
      throw new WeightsException(file, e.getMessage(), e);
    }
  }

  private static Shape shape(Path file, StateDict dict, String name, int rank)
      throws WeightsException {
    SafeTensors.Entry entry = dict.entries().get(name);
    if (entry == null || entry.shape().rank() != rank) {
      throw new WeightsException(
          file,
          entry == null
              ? "has no " + name
              : name + " is " + entry.shape() + ", " + rank + " axes are wanted");
    }
    return entry.shape();
  }
}
