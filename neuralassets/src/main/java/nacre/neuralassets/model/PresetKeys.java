package nacre.neuralassets.model;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.diffusion.vae.VaeConfig;

/**
 * The keys of other libraries' configurations that a preset may hold. The readers of those
 * configurations ignore keys they do not know, since the libraries write many; in a preset such a
 * key is a typing error.
 */
final class PresetKeys {
  /** Fewer than a UNet may have: those without which no model of this kind is built. */
  static final Set<String> UNET =
      Set.of(
          "_class_name",
          "act_fn",
          "attention_head_dim",
          "block_out_channels",
          "center_input_sample",
          "cross_attention_dim",
          "down_block_types",
          "downsample_padding",
          "dual_cross_attention",
          "flip_sin_to_cos",
          "freq_shift",
          "in_channels",
          "layers_per_block",
          "mid_block_scale_factor",
          "mid_block_type",
          "norm_eps",
          "norm_num_groups",
          "only_cross_attention",
          "out_channels",
          "resnet_time_scale_shift",
          "sample_size",
          "transformer_layers_per_block",
          "up_block_types",
          "upcast_attention",
          "use_linear_projection");

  static final Set<String> SCHEDULER =
      Set.of(
          "_class_name",
          "beta_end",
          "beta_schedule",
          "beta_start",
          "clip_sample",
          "clip_sample_range",
          "dynamic_thresholding_ratio",
          "num_train_timesteps",
          "prediction_type",
          "rescale_betas_zero_snr",
          "sample_max_value",
          "set_alpha_to_one",
          "steps_offset",
          "thresholding",
          "timestep_spacing",
          "trained_betas",
          "variance_type");

  static final Set<String> VAE =
      Stream.concat(Stream.of("_class_name"), VaeConfig.KEYS.stream())
          .collect(Collectors.toUnmodifiableSet());

  private PresetKeys() {}
}
