package nacre.evaluation.baseline;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Optional;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import nacre.evaluation.threedit.ThreeDitConfig;
import nacre.nn.VitConfig;

/** Configurations of models that are drawn with in no time. */
final class TinyThreeDit {
  private static final ObjectMapper JSON = new ObjectMapper();

  private TinyThreeDit() {}

  /** A tiny model with CLIP's vocabulary, for pictures of 16 pixels. */
  static ThreeDitConfig config() throws IOException {
    return new ThreeDitConfig(
        16,
        UNetConfig.of(
            JSON.readTree(
                """
                {"sample_size": 8, "in_channels": 8, "out_channels": 4,
                 "block_out_channels": [8, 8], "layers_per_block": 1, "attention_head_dim": 2,
                 "cross_attention_dim": 12, "norm_num_groups": 4,
                 "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
                 "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"]}
                """)),
        VaeConfig.of(
            JSON.readTree(
                """
                {"block_out_channels": [4, 8], "layers_per_block": 1, "norm_num_groups": 2,
                 "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
                 "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}
                """)),
        Optional.of(new ClipTextConfig(49408, 12, 24, 1, 2, 77, "quick_gelu", 1e-5)),
        VitConfig.of(
            JSON.readTree(
                """
                {"model_type": "clip_vision_model", "hidden_size": 16, "intermediate_size": 24,
                 "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 12,
                 "patch_size": 4}
                """)),
        ThreeDitConfig.ddim());
  }

  /** The same without text. */
  static ThreeDitConfig zero123() throws IOException {
    ThreeDitConfig same = config();
    return new ThreeDitConfig(
        same.imageSize(),
        same.unet(),
        same.vae(),
        Optional.empty(),
        same.vision(),
        same.scheduler());
  }
}
