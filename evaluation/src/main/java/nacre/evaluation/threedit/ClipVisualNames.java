package nacre.evaluation.threedit;

import java.util.List;
import nacre.weights.KeyMapping;

/**
 * The names of the vision tower in OpenAI's own CLIP, below {@code visual.}, and those that
 * transformers gives it.
 */
final class ClipVisualNames {
  /** The projection there, {@code [hidden, width]}: transposed as compared with a linear layer. */
  static final String PROJECTION = "proj";

  private static final KeyMapping LAYER =
      KeyMapping.builder()
          .pair("ln_1", "layer_norm1")
          .stacked("attn.in_proj_weight", projections("weight"))
          .stacked("attn.in_proj_bias", projections("bias"))
          .pair("attn.out_proj", "self_attn.out_proj")
          .pair("ln_2", "layer_norm2")
          .pair("mlp.c_fc", "mlp.fc1")
          .pair("mlp.c_proj", "mlp.fc2")
          .build();

  private ClipVisualNames() {}

  private static List<String> projections(String what) {
    return List.of(
        "self_attn.q_proj." + what, "self_attn.k_proj." + what, "self_attn.v_proj." + what);
  }

  static KeyMapping of(int layers) {
    KeyMapping.Builder names =
        KeyMapping.builder()
            .pair("class_embedding", "vision_model.embeddings.class_embedding")
            .pair("conv1", "vision_model.embeddings.patch_embedding")
            .pair("positional_embedding", "vision_model.embeddings.position_embedding.weight")
            .pair("ln_pre", "vision_model.pre_layrnorm")
            .pair("ln_post", "vision_model.post_layernorm");
    for (int i = 0; i < layers; i++) {
      names.below("transformer.resblocks." + i, "vision_model.encoder.layers." + i, LAYER);
    }
    return names.build();
  }
}
