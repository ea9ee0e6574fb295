package nacre.diffusion.checkpoint;

import java.util.List;
import java.util.stream.Stream;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import nacre.weights.KeyMapping;
import nacre.weights.WeightsException;

/**
 * The mapping between the names of the original latent diffusion code, which single files use, and
 * those of diffusers and transformers. Where diffusers counts levels and layers, the original
 * counts the modules of one long list.
 *
 * @param prefix what the names of a component's tensors begin with
 * @param dialect what follows it, beside the names in memory
 * @see <a href="https://github.com/CompVis/latent-diffusion">the original code</a>
 * @see <a href="https://github.com/mlfoundations/open_clip">open_clip, text encoder of 2.x</a>
 */
public record OriginalNames(String prefix, KeyMapping dialect) {
  /** The prefix of the UNet's tensors. */
  static final String UNET = "model.diffusion_model.";

  /** The prefix of the autoencoder's tensors. */
  static final String VAE = "first_stage_model.";

  /** The prefix of the text encoder's tensors in files of 1.x. */
  static final String CLIP = "cond_stage_model.transformer.";

  /** The prefix of the text encoder's tensors in files of 2.x. */
  static final String OPEN_CLIP = "cond_stage_model.model.";

  private static final KeyMapping UNET_RESNET =
      KeyMapping.builder()
          .pair("in_layers.0", "norm1")
          .pair("in_layers.2", "conv1")
          .pair("emb_layers.1", "time_emb_proj")
          .pair("out_layers.0", "norm2")
          .pair("out_layers.3", "conv2")
          .pair("skip_connection", "conv_shortcut")
          .build();

  private static final KeyMapping VAE_RESNET =
      KeyMapping.builder()
          .pair("norm1", "norm1")
          .pair("conv1", "conv1")
          .pair("norm2", "norm2")
          .pair("conv2", "conv2")
          .pair("nin_shortcut", "conv_shortcut")
          .build();

  private static final KeyMapping VAE_ATTENTION =
      KeyMapping.builder()
          .pair("norm", "group_norm")
          .pointwise("q", "to_q")
          .pointwise("k", "to_k")
          .pointwise("v", "to_v")
          .pointwise("proj_out", "to_out.0")
          .build();

  private static final KeyMapping OPEN_CLIP_LAYER =
      KeyMapping.builder()
          .pair("ln_1", "layer_norm1")
          .stacked("attn.in_proj_weight", projections("weight"))
          .stacked("attn.in_proj_bias", projections("bias"))
          .pair("attn.out_proj", "self_attn.out_proj")
          .pair("ln_2", "layer_norm2")
          .pair("mlp.c_fc", "mlp.fc1")
          .pair("mlp.c_proj", "mlp.fc2")
          .build();

  private static List<String> projections(String what) {
    return List.of(
        "self_attn.q_proj." + what, "self_attn.k_proj." + what, "self_attn.v_proj." + what);
  }

  /**
   * The mapping for a component of a model.
   *
   * @throws WeightsException if its config is missing or wrong, in one line
   */
  public static OriginalNames of(Component component, Checkpoint model) throws WeightsException {
    return switch (component) {
      case UNET -> new OriginalNames(UNET, unet(model.unetConfig()));
      case VAE -> new OriginalNames(VAE, vae(model.vaeConfig()));
      case TEXT_ENCODER -> {
        // Of the two encoders there are, only OpenAI's was trained with the quick GELU.
        ClipTextConfig text = model.textEncoderConfig();
        yield text.hiddenAct().equals("quick_gelu")
            ? new OriginalNames(CLIP, clip())
            : new OriginalNames(OPEN_CLIP, openClip(text.numHiddenLayers()));
      }
    };
  }

  /** Whether a tensor of a single file is a component's. */
  static boolean belongs(String name) {
    return Stream.of(UNET, VAE, CLIP, OPEN_CLIP).anyMatch(name::startsWith);
  }

  /** The mapping for a UNet, below {@code model.diffusion_model.}. */
  public static KeyMapping unet(UNetConfig config) {
    KeyMapping.Builder names =
        KeyMapping.builder()
            .pair("time_embed.0", "time_embedding.linear_1")
            .pair("time_embed.2", "time_embedding.linear_2")
            .pair("input_blocks.0.0", "conv_in")
            .pair("out.0", "conv_norm_out")
            .pair("out.2", "conv_out");
    int levels = config.blockOutChannels().size();
    int in = 1;
    for (int level = 0; level < levels; level++) {
      String block = "down_blocks." + level;
      for (int layer = 0; layer < config.layersPerBlock().get(level); layer++, in++) {
        names.below("input_blocks." + in + ".0", block + ".resnets." + layer, UNET_RESNET);
        if (config.downAttention().get(level)) {
          names.pair("input_blocks." + in + ".1", block + ".attentions." + layer);
        }
      }
      if (level < levels - 1) {
        names.pair("input_blocks." + in++ + ".0.op", block + ".downsamplers.0.conv");
      }
    }
    names
        .below("middle_block.0", "mid_block.resnets.0", UNET_RESNET)
        .pair("middle_block.1", "mid_block.attentions.0")
        .below("middle_block.2", "mid_block.resnets.1", UNET_RESNET);
    int out = 0;
    for (int level = 0; level < levels; level++) {
      String block = "up_blocks." + level;
      boolean attention = config.upAttention().get(level);
      int layers = 1 + config.layersPerBlock().get(levels - 1 - level);
      for (int layer = 0; layer < layers; layer++, out++) {
        names.below("output_blocks." + out + ".0", block + ".resnets." + layer, UNET_RESNET);
        if (attention) {
          names.pair("output_blocks." + out + ".1", block + ".attentions." + layer);
        }
      }
      if (level < levels - 1) {
        String last = "output_blocks." + (out - 1) + (attention ? ".2" : ".1");
        names.pair(last + ".conv", block + ".upsamplers.0.conv");
      }
    }
    return names.build();
  }

  /** The mapping for an autoencoder, below {@code first_stage_model.}. */
  public static KeyMapping vae(VaeConfig config) {
    KeyMapping.Builder names =
        KeyMapping.builder()
            .pair("quant_conv", "quant_conv")
            .pair("post_quant_conv", "post_quant_conv");
    int levels = config.blockOutChannels().size();
    for (String coder : List.of("encoder.", "decoder.")) {
      names
          .pair(coder + "conv_in", coder + "conv_in")
          .below(coder + "mid.block_1", coder + "mid_block.resnets.0", VAE_RESNET)
          .below(coder + "mid.attn_1", coder + "mid_block.attentions.0", VAE_ATTENTION)
          .below(coder + "mid.block_2", coder + "mid_block.resnets.1", VAE_RESNET)
          .pair(coder + "norm_out", coder + "conv_norm_out")
          .pair(coder + "conv_out", coder + "conv_out");
    }
    for (int level = 0; level < levels; level++) {
      String down = "encoder.down." + level;
      for (int layer = 0; layer < config.layersPerBlock(); layer++) {
        names.below(
            down + ".block." + layer,
            "encoder.down_blocks." + level + ".resnets." + layer,
            VAE_RESNET);
      }
      // The original numbers levels by their size on the way up too; diffusers in their order.
      String up = "decoder.up." + (levels - 1 - level);
      for (int layer = 0; layer <= config.layersPerBlock(); layer++) {
        names.below(
            up + ".block." + layer, "decoder.up_blocks." + level + ".resnets." + layer, VAE_RESNET);
      }
      if (level < levels - 1) {
        names
            .pair(
                down + ".downsample.conv", "encoder.down_blocks." + level + ".downsamplers.0.conv")
            .pair(up + ".upsample.conv", "decoder.up_blocks." + level + ".upsamplers.0.conv");
      }
    }
    return names.build();
  }

  /** Below {@link #CLIP}. */
  static KeyMapping clip() {
    KeyMapping.Builder names = KeyMapping.builder();
    for (String part : List.of("embeddings", "encoder", "final_layer_norm")) {
      names.pair("text_model." + part, part);
    }
    return names.build();
  }

  /**
   * Below {@link #OPEN_CLIP}.
   *
   * @param layers of the text encoder as diffusers has it, one less than the file's
   */
  static KeyMapping openClip(int layers) {
    KeyMapping.Builder names =
        KeyMapping.builder()
            .pair("token_embedding", "embeddings.token_embedding")
            .pair("positional_embedding", "embeddings.position_embedding.weight")
            .pair("ln_final", "final_layer_norm");
    for (int i = 0; i < layers; i++) {
      names.below("transformer.resblocks." + i, "encoder.layers." + i, OPEN_CLIP_LAYER);
    }
    return names.build();
  }
}
