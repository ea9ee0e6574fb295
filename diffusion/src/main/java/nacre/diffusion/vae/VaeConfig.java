package nacre.diffusion.vae;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import nacre.weights.ConfigJson;
import nacre.weights.ConfigRange;

/**
 * The configuration of an autoencoder: the supported keys of an {@code AutoencoderKL}'s {@code
 * config.json}.
 *
 * @param sampleSize height and width of the images the model was made for
 * @param inChannels channels of the image
 * @param outChannels channels of the decoded image
 * @param latentChannels channels of the latent
 * @param blockOutChannels channels of each level
 * @param layersPerBlock residual blocks of each level of the encoder; one more in the decoder
 * @param normNumGroups groups of the GroupNorms
 * @param midAttention whether the middle blocks have attention
 * @param quantConv whether a 1×1 convolution follows the encoder
 * @param postQuantConv whether a 1×1 convolution precedes the decoder
 * @param scalingFactor factor of latents for diffusion, which makes their variance 1
 * @param shiftFactor subtracted from them before
 * @param forceUpcast whether pipelines are to compute it in f32 where f16 would overflow. It is not
 *     computed in f16 here, so this changes nothing; it is kept for writing the config again
 */
public record VaeConfig(
    int sampleSize,
    int inChannels,
    int outChannels,
    int latentChannels,
    List<Integer> blockOutChannels,
    int layersPerBlock,
    int normNumGroups,
    boolean midAttention,
    boolean quantConv,
    boolean postQuantConv,
    double scalingFactor,
    double shiftFactor,
    boolean forceUpcast) {

  /** The keys that diffusers knows. */
  public static final Set<String> KEYS =
      Set.of(
          "act_fn",
          "block_out_channels",
          "down_block_types",
          "force_upcast",
          "in_channels",
          "latent_channels",
          "latents_mean",
          "latents_std",
          "layers_per_block",
          "mid_block_add_attention",
          "norm_num_groups",
          "out_channels",
          "sample_size",
          "scaling_factor",
          "shift_factor",
          "up_block_types",
          "use_post_quant_conv",
          "use_quant_conv");

  private static final String DOWN = "DownEncoderBlock2D";
  private static final String UP = "UpDecoderBlock2D";

  /**
   * Checks the ranges, and that the numbers are consistent.
   *
   * @throws IllegalArgumentException naming the key
   */
  public VaeConfig {
    ConfigRange range = new ConfigRange("AutoencoderKL: ");
    range.whole("sample_size", sampleSize, 1, 1 << 16);
    range.whole("in_channels", inChannels, 1, 1 << 16);
    range.whole("out_channels", outChannels, 1, 1 << 16);
    range.whole("latent_channels", latentChannels, 1, 1 << 16);
    range.whole("layers_per_block", layersPerBlock, 1, 1000);
    range.whole("norm_num_groups", normNumGroups, 1, 1 << 16);
    range.number("scaling_factor", scalingFactor, 1e-6, 1e6);
    range.number("shift_factor", shiftFactor, -1e6, 1e6);
    range.whole("block_out_channels' length", blockOutChannels.size(), 1, 16);
    for (int channels : blockOutChannels) {
      range.whole("block_out_channels", channels, 1, 1 << 16);
      range.divides("norm_num_groups", normNumGroups, "block_out_channels", channels);
    }
  }

  /**
   * Reads diffusers' keys.
   *
   * @throws IllegalArgumentException naming the key, if a value is wrong or its feature not built
   */
  public static VaeConfig of(JsonNode json) {
    ConfigJson c = new ConfigJson("AutoencoderKL", json);
    c.requireKnown(KEYS);
    c.require("_class_name", "AutoencoderKL");
    c.require("act_fn", "silu", "swish");
    c.require("latents_mean");
    c.require("latents_std");
    List<Integer> channels = c.integers("block_out_channels", 0, List.of(64));
    requireBlocks(c, "down_block_types", DOWN, channels.size());
    requireBlocks(c, "up_block_types", UP, channels.size());
    return new VaeConfig(
        c.side("sample_size", 32),
        c.integer("in_channels", 3),
        c.integer("out_channels", 3),
        c.integer("latent_channels", 4),
        channels,
        c.integer("layers_per_block", 1),
        c.integer("norm_num_groups", 32),
        c.flag("mid_block_add_attention", true),
        c.flag("use_quant_conv", true),
        c.flag("use_post_quant_conv", true),
        c.number("scaling_factor", 0.18215),
        c.number("shift_factor", 0),
        c.flag("force_upcast", true));
  }

  private static void requireBlocks(ConfigJson c, String key, String type, int levels) {
    List<String> types = c.texts(key, List.of(type));
    if (types.size() != levels || !types.stream().allMatch(type::equals)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "AutoencoderKL: %s is %s; supported is %s for each of the %d levels of"
                  + " block_out_channels",
              key,
              types,
              type,
              levels));
    }
  }

  /** The {@code config.json} from which diffusers builds the same model. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("_class_name", "AutoencoderKL")
        .put("act_fn", "silu")
        .put("sample_size", sampleSize)
        .put("in_channels", inChannels)
        .put("out_channels", outChannels)
        .put("latent_channels", latentChannels);
    ArrayNode channels = json.putArray("block_out_channels");
    ArrayNode down = json.putArray("down_block_types");
    ArrayNode up = json.putArray("up_block_types");
    for (int width : blockOutChannels) {
      channels.add(width);
      down.add(DOWN);
      up.add(UP);
    }
    json.put("layers_per_block", layersPerBlock)
        .put("norm_num_groups", normNumGroups)
        .put("mid_block_add_attention", midAttention)
        .put("use_quant_conv", quantConv)
        .put("use_post_quant_conv", postQuantConv)
        .put("force_upcast", forceUpcast)
        .put("scaling_factor", scalingFactor);
    return shiftFactor == 0 ? json.putNull("shift_factor") : json.put("shift_factor", shiftFactor);
  }

  /** Pixels along a side of the image for one of the latent. */
  public int downsampling() {
    return 1 << (blockOutChannels.size() - 1);
  }
}
