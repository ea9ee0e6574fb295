package nacre.cli.verify;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.text.ClipTextModel;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TorchRandn;
import nacre.weights.ConfigJson;

/** The text encoder and the random numbers of text to image. */
final class TextToImageSubjects {
  private TextToImageSubjects() {}

  static Subject clipText(JsonNode config, Parameters p) {
    ClipTextModel clip = new ClipTextModel(p, ClipTextConfig.of(config));
    return inputs ->
        Map.of("last_hidden_state", clip.forward(ids(inputs.exact("input_ids")), inputs.dtype()));
  }

  /** Integers, which a bundle's reader returns as f32. */
  private static Tensor ids(Tensor numbers) {
    float[] values = numbers.toFloats();
    int[] ids = new int[values.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) values[i];
    }
    return Tensor.ofInts(numbers.device(), numbers.shape(), ids);
  }

  /** PyTorch's normal numbers: no inputs, and always f32. */
  static Subject torchRandn(ConfigJson c) {
    int seed = LayerSubjects.required(c, "seed");
    int[] shape = c.integers("shape", 0, List.of()).stream().mapToInt(i -> i).toArray();
    return inputs ->
        Map.of("randn", new TorchRandn(seed).randn(Device.cpu(), DType.F32, Shape.of(shape)));
  }
}
