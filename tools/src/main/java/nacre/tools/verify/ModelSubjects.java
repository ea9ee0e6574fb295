package nacre.tools.verify;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Reshape.reshape;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.tensor.Tensor;

/** The models of diffusers and transformers, built from their {@code config.json}. */
final class ModelSubjects {
  private ModelSubjects() {}

  static Subject unet(JsonNode config, Parameters p) {
    UNet2DCondition unet = new UNet2DCondition(p, UNetConfig.of(config));
    return inputs -> {
      Tensor sample = inputs.channelsLast("sample");
      Tensor timesteps = perSample(inputs.exact("timestep"), sample.dim(0));
      Tensor y = unet.forward(sample, timesteps, inputs.get("encoder_hidden_states"));
      return Map.of("sample", TorchLayout.channelsFirst(y));
    };
  }

  static Subject vit(JsonNode config, Parameters p) {
    Vit vit = new Vit(p, VitConfig.of(config));
    return inputs -> Map.of("last_hidden_state", vit.forward(inputs.channelsLast("pixel_values")));
  }

  /** One timestep for all samples, or one for each. */
  private static Tensor perSample(Tensor timesteps, int samples) {
    Tensor row = reshape(timesteps, -1);
    if (row.dim(0) != 1 || samples == 1) {
      return row;
    }
    Tensor[] copies = new Tensor[samples];
    java.util.Arrays.fill(copies, row);
    return concat(0, copies);
  }
}
