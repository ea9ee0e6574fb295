package nacre.cli.weights;

import java.nio.file.Path;
import java.util.Set;
import nacre.diffusion.checkpoint.OtherModels;
import nacre.diffusion.checkpoint.SingleFile;
import nacre.diffusion.lora.LoraSummary;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/** The contents of a weight file: which model's weights, and under whose names. */
final class Contents {
  private Contents() {}

  static String describe(Path file, StateDict dict) {
    Set<String> names = dict.entries().keySet();
    if (SingleFile.isOne(dict.entries())) {
      try {
        return "Stable Diffusion in a single file, names of the original code, configured "
            + SingleFile.open(file).origin();
      } catch (WeightsException e) {
        return "a model under the names of Stable Diffusion's original code that "
            + e.getMessage().substring((file + ": ").length());
      }
    }
    if (names.contains("conv_in.weight") && any(names, "down_blocks.")) {
      return "UNet, names of diffusers";
    }
    if (any(names, "encoder.down_blocks.") || any(names, "decoder.up_blocks.")) {
      return any(names, "decoder.mid_block.attentions.0.query.")
          ? "autoencoder, names of diffusers before 2023"
          : "autoencoder, names of diffusers";
    }
    if (any(names, "text_model.embeddings.")) {
      return "CLIP text encoder, names of transformers before 5.6";
    }
    if (names.contains("embeddings.token_embedding.weight")) {
      return "CLIP text encoder, names of transformers from 5.6";
    }
    if (names.contains("embeddings.cls_token") || names.contains("vit.embeddings.cls_token")) {
      return "vision transformer, names of transformers";
    }
    if (names.contains("cls_token") && any(names, "patch_embed.")) {
      return "vision transformer, names of timm";
    }
    if (names.contains("appearance.weight") && any(names, "pose_mlp.")) {
      return "tokens of Neural Assets, beside the UNet that reads them";
    }
    return LoraSummary.of(file, dict)
        .or(() -> OtherModels.of(names))
        .orElse("tensors of no model that is known");
  }

  private static boolean any(Set<String> names, String prefix) {
    return names.stream().anyMatch(name -> name.startsWith(prefix));
  }
}
