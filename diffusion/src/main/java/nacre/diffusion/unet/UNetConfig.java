package nacre.diffusion.unet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import nacre.weights.ConfigJson;
import nacre.weights.ConfigRange;

/**
 * The configuration of a UNet: the supported keys of a {@code UNet2DConditionModel}'s {@code
 * config.json}.
 *
 * @param sampleSize height and width of the sample the model was made for
 * @param inChannels channels of the sample
 * @param outChannels channels of the prediction
 * @param blockOutChannels channels of each level
 * @param layersPerBlock residual blocks of each level on the way down; one more on the way up
 * @param downAttention whether each level has attention on the way down
 * @param upAttention whether each level has attention on the way up, deepest first
 * @param transformerLayers transformer blocks per attention, of each level
 * @param heads attention heads of each level
 * @param crossAttentionDim width of the context
 * @param midBlock whether there is a middle block; distilled models do without
 * @param useLinearProjection linear layers rather than 1×1 convolutions around the transformers
 * @param upcastAttention whether scores are to be computed in f32. They always are here, so it
 *     changes nothing; it is kept for writing the config again
 * @param normNumGroups groups of the GroupNorms
 * @param normEps their epsilon
 * @param flipSinToCos cosines first in the timestep's sinusoids
 * @param freqShift shift in their frequencies
 * @param downsamplePadding padding of the strided convolutions, 0 or 1
 * @param timeCondProjDim width of the embedded guidance scale that the model takes, as models
 *     distilled for few steps do; 0 for none
 */
public record UNetConfig(
    int sampleSize,
    int inChannels,
    int outChannels,
    List<Integer> blockOutChannels,
    List<Integer> layersPerBlock,
    List<Boolean> downAttention,
    List<Boolean> upAttention,
    List<Integer> transformerLayers,
    List<Integer> heads,
    int crossAttentionDim,
    boolean midBlock,
    boolean useLinearProjection,
    boolean upcastAttention,
    int normNumGroups,
    double normEps,
    boolean flipSinToCos,
    double freqShift,
    int downsamplePadding,
    int timeCondProjDim) {

  /** The keys that diffusers knows; those of features that are not built may only say no. */
  public static final Set<String> KEYS =
      Set.of(
          "act_fn",
          "addition_embed_type",
          "addition_embed_type_num_heads",
          "addition_time_embed_dim",
          "attention_head_dim",
          "attention_type",
          "block_out_channels",
          "center_input_sample",
          "class_embed_type",
          "class_embeddings_concat",
          "conv_in_kernel",
          "conv_out_kernel",
          "cross_attention_dim",
          "cross_attention_norm",
          "down_block_types",
          "downsample_padding",
          "dropout",
          "dual_cross_attention",
          "encoder_hid_dim",
          "encoder_hid_dim_type",
          "flip_sin_to_cos",
          "freq_shift",
          "in_channels",
          "layers_per_block",
          "mid_block_only_cross_attention",
          "mid_block_scale_factor",
          "mid_block_type",
          "norm_eps",
          "norm_num_groups",
          "num_attention_heads",
          "num_class_embeds",
          "only_cross_attention",
          "out_channels",
          "projection_class_embeddings_input_dim",
          "resnet_out_scale_factor",
          "resnet_skip_time_act",
          "resnet_time_scale_shift",
          "reverse_transformer_layers_per_block",
          "sample_size",
          "time_cond_proj_dim",
          "time_embedding_act_fn",
          "time_embedding_dim",
          "time_embedding_type",
          "timestep_post_act",
          "transformer_layers_per_block",
          "up_block_types",
          "upcast_attention",
          "use_linear_projection");

  private static final String MIDDLE = "UNetMidBlock2DCrossAttn";
  private static final String ATTENTION_DOWN = "CrossAttnDownBlock2D";
  private static final String PLAIN_DOWN = "DownBlock2D";
  private static final String ATTENTION_UP = "CrossAttnUpBlock2D";
  private static final String PLAIN_UP = "UpBlock2D";

  /**
   * Checks the ranges, and that the numbers are consistent.
   *
   * @throws IllegalArgumentException naming the key
   */
  public UNetConfig {
    ConfigRange range = new ConfigRange("UNet2DConditionModel: ");
    range.whole("sample_size", sampleSize, 1, 8192);
    range.whole("in_channels", inChannels, 1, 1 << 16);
    range.whole("out_channels", outChannels, 1, 1 << 16);
    range.whole("cross_attention_dim", crossAttentionDim, 1, 1 << 16);
    range.whole("norm_num_groups", normNumGroups, 1, 1 << 16);
    range.number("norm_eps", normEps, 1e-30, 1);
    int levels = blockOutChannels.size();
    range.whole("block_out_channels' length", levels, 1, 16);
    for (int i = 0; i < levels; i++) {
      int channels = blockOutChannels.get(i);
      range.whole("block_out_channels", channels, 1, 1 << 16);
      range.divides("norm_num_groups", normNumGroups, "block_out_channels", channels);
      range.whole("layers_per_block", layersPerBlock.get(i), 1, 1000);
      boolean attends =
          downAttention.get(i) || upAttention.get(levels - 1 - i) || (midBlock && i == levels - 1);
      range.whole("transformer_layers_per_block", transformerLayers.get(i), attends ? 1 : 0, 1000);
      range.whole("attention_head_dim", heads.get(i), 1, 1 << 16);
      if (attends) {
        range.divides("attention_head_dim", heads.get(i), "block_out_channels", channels);
      }
    }
    int half = blockOutChannels.getFirst() / 2;
    if (!(freqShift >= 0 && freqShift < half)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "UNet2DConditionModel: freq_shift must be a number from 0 to below %d, half the first"
                  + " of block_out_channels, not %s",
              half,
              freqShift));
    }
  }

  /**
   * Reads diffusers' keys.
   *
   * @throws IllegalArgumentException naming the key, if a value is wrong or its feature not built
   */
  public static UNetConfig of(JsonNode json) {
    ConfigJson c = new ConfigJson("UNet2DConditionModel", json);
    c.requireKnown(KEYS);
    c.require("_class_name", "UNet2DConditionModel");
    c.require("act_fn", "silu", "swish");
    c.require("mid_block_type", MIDDLE);
    c.require("resnet_time_scale_shift", "default");
    c.require("time_embedding_type", "positional");
    c.require("center_input_sample", false);
    c.require("dual_cross_attention", false);
    c.require("only_cross_attention", false);
    c.require("resnet_skip_time_act", false);
    c.require("conv_in_kernel", 3);
    c.require("conv_out_kernel", 3);
    c.require("mid_block_scale_factor", 1, 1.0);
    c.require("resnet_out_scale_factor", 1, 1.0);
    c.require("dropout", 0, 0.0);
    c.require("downsample_padding", 0, 1);
    c.require("class_embeddings_concat", false);
    for (String key :
        List.of(
            "class_embed_type",
            "addition_embed_type",
            "encoder_hid_dim",
            "encoder_hid_dim_type",
            "num_class_embeds",
            "time_embedding_act_fn",
            "time_embedding_dim",
            "timestep_post_act",
            "attention_type",
            "cross_attention_norm",
            "reverse_transformer_layers_per_block")) {
      c.require(key, "default");
    }
    List<Integer> channels = c.integers("block_out_channels", 0, List.of(320, 640, 1280, 1280));
    int levels = channels.size();
    List<String> down =
        c.texts(
            "down_block_types",
            List.of(ATTENTION_DOWN, ATTENTION_DOWN, ATTENTION_DOWN, PLAIN_DOWN));
    List<String> up =
        c.texts("up_block_types", List.of(PLAIN_UP, ATTENTION_UP, ATTENTION_UP, ATTENTION_UP));
    if (down.size() != levels || up.size() != levels) {
      throw new IllegalArgumentException(
          "UNet2DConditionModel: block_out_channels has "
              + levels
              + " levels, down_block_types "
              + down.size()
              + ", up_block_types "
              + up.size());
    }
    // In diffusers "attention_head_dim" has always been the number of heads, see its issue 2011;
    // it refuses the key with the right name.
    c.require("num_attention_heads");
    return new UNetConfig(
        c.side("sample_size", 64),
        c.integer("in_channels", 4),
        c.integer("out_channels", 4),
        channels,
        c.integers("layers_per_block", levels, Collections.nCopies(levels, 2)),
        down.stream()
            .map(t -> attention("down_block_types", t, ATTENTION_DOWN, PLAIN_DOWN))
            .toList(),
        up.stream().map(t -> attention("up_block_types", t, ATTENTION_UP, PLAIN_UP)).toList(),
        c.integers("transformer_layers_per_block", levels, Collections.nCopies(levels, 1)),
        c.integers("attention_head_dim", levels, Collections.nCopies(levels, 8)),
        c.integer("cross_attention_dim", 1280),
        // If the key is missing diffusers builds one, if it is null it does not.
        !json.path("mid_block_type").isNull(),
        c.flag("use_linear_projection", false),
        c.flag("upcast_attention", false),
        c.integer("norm_num_groups", 32),
        c.number("norm_eps", 1e-5),
        c.flag("flip_sin_to_cos", true),
        c.number("freq_shift", 0),
        c.integer("downsample_padding", 1),
        c.integer("time_cond_proj_dim", 0));
  }

  private static boolean attention(String key, String type, String with, String without) {
    if (type.equals(with)) {
      return true;
    }
    if (type.equals(without)) {
      return false;
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "UNet2DConditionModel: %s: %s is not supported; supported: %s, %s",
            key,
            type,
            with,
            without));
  }

  /** The {@code config.json} from which diffusers builds the same model. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("_class_name", "UNet2DConditionModel")
        .put("act_fn", "silu")
        .put("mid_block_type", midBlock ? MIDDLE : null)
        .put("sample_size", sampleSize)
        .put("in_channels", inChannels)
        .put("out_channels", outChannels)
        .put("cross_attention_dim", crossAttentionDim)
        .put("use_linear_projection", useLinearProjection)
        .put("upcast_attention", upcastAttention)
        .put("norm_num_groups", normNumGroups)
        .put("norm_eps", normEps)
        .put("flip_sin_to_cos", flipSinToCos)
        .put("freq_shift", freqShift)
        .put("downsample_padding", downsamplePadding);
    if (timeCondProjDim > 0) {
      json.put("time_cond_proj_dim", timeCondProjDim);
    }
    put(json, "block_out_channels", blockOutChannels);
    put(json, "layers_per_block", layersPerBlock);
    put(json, "transformer_layers_per_block", transformerLayers);
    put(json, "attention_head_dim", heads);
    ArrayNode down = json.putArray("down_block_types");
    downAttention.forEach(with -> down.add(with ? ATTENTION_DOWN : PLAIN_DOWN));
    ArrayNode up = json.putArray("up_block_types");
    upAttention.forEach(with -> up.add(with ? ATTENTION_UP : PLAIN_UP));
    return json;
  }

  private static void put(ObjectNode json, String key, List<Integer> numbers) {
    ArrayNode array = json.putArray(key);
    numbers.forEach(array::add);
  }

  /**
   * The number that height and width of a sample must be multiples of. Padded convolutions halve
   * odd sizes upwards, and the way up cuts what is too much; without padding nothing may be odd.
   */
  public int sizeMultiple() {
    return downsamplePadding == 1 ? 1 : 1 << (levels() - 1);
  }

  /** Levels of resolution. */
  int levels() {
    return blockOutChannels.size();
  }

  /** Width of the time embedding. */
  int timeWidth() {
    return 4 * blockOutChannels.getFirst();
  }
}
