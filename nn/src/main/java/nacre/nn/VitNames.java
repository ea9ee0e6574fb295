package nacre.nn;

/**
 * The parameter names of a family of vision transformers, as transformers writes them to disk.
 *
 * @param prefix what stands before all names in a file of the bare model, or nothing
 * @param classToken the class token
 * @param patches the convolution over patches
 * @param positions the position embeddings
 * @param layers the list of layers; the following names are below one of them
 * @param before the norm before attention
 * @param attention what contains the projections to query, key and value
 * @param query one of them
 * @param key one of them
 * @param value one of them
 * @param attended the projection after attention
 * @param after the norm before the feed-forward
 * @param inner the first layer of the feed-forward
 * @param outer the last layer of the feed-forward
 * @param norm the norm after the last layer; no longer below a layer
 */
record VitNames(
    String prefix,
    String classToken,
    String patches,
    String positions,
    String layers,
    String before,
    String attention,
    String query,
    String key,
    String value,
    String attended,
    String after,
    String inner,
    String outer,
    String norm) {

  /** ViT's, and MAE's. */
  static final VitNames VIT =
      new VitNames(
          "",
          "embeddings.cls_token",
          "embeddings.patch_embeddings.projection",
          "embeddings.position_embeddings",
          "encoder.layer",
          "layernorm_before",
          "attention.attention",
          "query",
          "key",
          "value",
          "attention.output.dense",
          "layernorm_after",
          "intermediate.dense",
          "output.dense",
          "layernorm");

  /** Those of CLIP's vision tower; the missing letter in pre_layrnorm is real. */
  static final VitNames CLIP =
      new VitNames(
          "vision_model",
          "embeddings.class_embedding",
          "embeddings.patch_embedding",
          "embeddings.position_embedding.weight",
          "encoder.layers",
          "layer_norm1",
          "self_attn",
          "q_proj",
          "k_proj",
          "v_proj",
          "self_attn.out_proj",
          "layer_norm2",
          "mlp.fc1",
          "mlp.fc2",
          "post_layernorm");

  /** DINOv2's; the giant model's feed-forward has names of its own. */
  static VitNames dinov2(boolean gated) {
    return new VitNames(
        VIT.prefix,
        VIT.classToken,
        VIT.patches,
        VIT.positions,
        VIT.layers,
        "norm1",
        VIT.attention,
        VIT.query,
        VIT.key,
        VIT.value,
        VIT.attended,
        "norm2",
        gated ? "mlp.weights_in" : "mlp.fc1",
        gated ? "mlp.weights_out" : "mlp.fc2",
        VIT.norm);
  }
}
