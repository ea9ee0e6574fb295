package nacre.tools.verify;

import java.util.List;
import java.util.Map;
import nacre.diffusion.ConfigJson;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.TorchRandn;

/** What a prompt and a seed become before the UNet sees them. */
final class TextToImageSubjects {
  private TextToImageSubjects() {}

  /** PyTorch's normal numbers: no inputs, and always f32. */
  static Subject torchRandn(ConfigJson c) {
    int seed = LayerSubjects.required(c, "seed");
    int[] shape = c.integers("shape", 0, List.of()).stream().mapToInt(i -> i).toArray();
    return inputs ->
        Map.of("randn", new TorchRandn(seed).randn(Device.cpu(), DType.F32, Shape.of(shape)));
  }
}
