package nacre.cli.verify;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Reshape.reshape;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.LoraConfig;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.nn.VitFamily;
import nacre.tensor.Tensor;

/** The models of diffusers and transformers, built from their {@code config.json}. */
final class ModelSubjects {
  private ModelSubjects() {}

  /** A UNet, with low-rank adapters if the config has a key {@code lora}. */
  static Subject unet(JsonNode config, Parameters p) {
    ObjectNode own = config.deepCopy();
    JsonNode lora = own.remove("lora");
    Parameters place = lora == null ? p : p.adapted(lora(lora));
    UNet2DCondition unet = new UNet2DCondition(place, UNetConfig.of(own));
    place.requireTargets();
    return inputs -> {
      Tensor sample = inputs.channelsLast("sample");
      Tensor timesteps = perSample(inputs.exact("timestep"), sample.dim(0));
      Tensor guidance = inputs.has("timestep_cond") ? inputs.get("timestep_cond") : null;
      Tensor context = inputs.get("encoder_hidden_states");
      Tensor y = unet.forward(sample, timesteps, context, guidance);
      return Map.of("sample", TorchLayout.channelsFirst(y));
    };
  }

  private static LoraConfig lora(JsonNode json) {
    List<String> targets = new ArrayList<>();
    json.path("targets").forEach(target -> targets.add(target.asText()));
    return new LoraConfig(json.path("rank").asInt(), json.path("alpha").asDouble(), targets);
  }

  /**
   * The name in memory of a UNet's parameter, which peft names otherwise in a model that has
   * adapters.
   */
  static String unetName(String name) {
    return name.replace(".base_layer.", ".").replace(".default.weight", ".weight");
  }

  /** Encoder or decoder, whichever the inputs ask for. */
  static Subject autoencoder(JsonNode config, Parameters p) {
    AutoencoderKL vae = new AutoencoderKL(p, VaeConfig.of(config));
    return inputs -> {
      Map<String, Tensor> outputs = new LinkedHashMap<>();
      if (inputs.has("image")) {
        Tensor moments = vae.encode(inputs.channelsLast("image")).moments();
        outputs.put("moments", TorchLayout.channelsFirst(moments));
      }
      if (inputs.has("latent") || !inputs.has("image")) {
        Tensor decoded = vae.decode(inputs.channelsLast("latent"));
        outputs.put("decoded", TorchLayout.channelsFirst(decoded));
      }
      return outputs;
    };
  }

  /**
   * A vision transformer of the family that the module names, whose config may be that of a larger
   * model. A ViT has a pooling layer if the config says {@code add_pooling_layer}; what stands for
   * one in DINOv2 and CLIP is always there.
   */
  static Subject vit(JsonNode config, Parameters p, VitFamily family) {
    ObjectNode typed = config.deepCopy();
    if (!typed.has("model_type")) {
      typed.put("model_type", family.modelType());
    }
    VitConfig sizes = VitConfig.of(typed);
    if (sizes.family() != family) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: model_type is %s, which is %s",
              family.className(),
              sizes.family().modelType(),
              sizes.family().className()));
    }
    boolean layer = config.path("add_pooling_layer").asBoolean(family == VitFamily.CLIP);
    Vit vit = new Vit(p, sizes, layer);
    boolean pools = layer || family != VitFamily.VIT && family != VitFamily.VIT_MAE;
    return inputs -> {
      Tensor tokens = vit.forward(inputs.channelsLast("pixel_values"));
      return pools
          ? Map.of("last_hidden_state", tokens, "pooler_output", vit.pool(tokens))
          : Map.of("last_hidden_state", tokens);
    };
  }

  /** One timestep for all samples, or one for each. */
  private static Tensor perSample(Tensor timesteps, int samples) {
    Tensor row = reshape(timesteps, -1);
    if (row.dim(0) != 1 || samples == 1) {
      return row;
    }
    Tensor[] copies = new Tensor[samples];
    Arrays.fill(copies, row);
    return concat(0, copies);
  }
}
