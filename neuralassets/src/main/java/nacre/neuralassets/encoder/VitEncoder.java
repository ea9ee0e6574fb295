package nacre.neuralassets.encoder;

import static nacre.tensor.ops.Slice.slice;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** The vision transformer as an image encoder, the one of the paper; DINO's weights fit it. */
public record VitEncoder(Vit vit) implements ImageEncoder {
  @Override
  public Tensor features(Tensor pixels) {
    return Scope.tidy(
        () -> {
          Tensor tokens = vit.forward(pixels); // [N, 1 + patches, C], the class token first
          return slice(tokens, 1, 1, tokens.dim(1) - 1);
        });
  }

  /** The sizes of a vision transformer. */
  public record Config(VitConfig vit) implements ImageEncoderConfig {
    @Override
    public String modelType() {
      return "vit";
    }

    @Override
    public int imageSize() {
      return vit.imageSize();
    }

    @Override
    public int patchSize() {
      return vit.patchSize();
    }

    @Override
    public int hiddenSize() {
      return vit.hiddenSize();
    }

    @Override
    public String library() {
      return "transformers";
    }

    @Override
    public String className() {
      return "ViTModel";
    }

    @Override
    public ImageEncoder build(Parameters parameters) {
      return new VitEncoder(new Vit(parameters, vit));
    }
  }

  /** The kind {@code vit}, with the keys of transformers' {@code ViTConfig}. */
  public static final class Provider implements ImageEncoderProvider {
    @Override
    public String modelType() {
      return "vit";
    }

    @Override
    public Set<String> keys() {
      return Set.of(
          "hidden_act",
          "hidden_size",
          "image_size",
          "intermediate_size",
          "layer_norm_eps",
          "num_attention_heads",
          "num_channels",
          "num_hidden_layers",
          "patch_size",
          "qkv_bias");
    }

    @Override
    public ImageEncoderConfig read(JsonNode json) {
      VitConfig config = VitConfig.of(json);
      if (config.numChannels() != 3) {
        throw new IllegalArgumentException(
            "image_encoder.num_channels does not fit the rest: 3 is wanted");
      }
      return new Config(config);
    }
  }
}
