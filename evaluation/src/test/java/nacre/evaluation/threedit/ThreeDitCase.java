package nacre.evaluation.threedit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.VitConfig;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
import nacre.weights.JsonFile;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/** The tiny model of {@code export_3dit.py}, and what PyTorch computes with it. */
final class ThreeDitCase implements AutoCloseable {
  static final int BATCH = 4;

  private final StateDict values = StateDict.open(path("case.safetensors"));

  ThreeDitCase() throws WeightsException {}

  static Path path(String name) {
    try {
      return Path.of(ThreeDitCase.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  static ThreeDitConfig config() throws WeightsException {
    Path file = Path.of("tiny");
    UNetConfig unet =
        JsonFile.parse(
            file,
            """
            {"sample_size": 8, "in_channels": 8, "out_channels": 4, "block_out_channels": [8, 12],
             "layers_per_block": 1, "attention_head_dim": 2, "cross_attention_dim": 12,
             "norm_num_groups": 4,
             "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
             "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]}
            """,
            UNetConfig::of);
    VaeConfig vae =
        JsonFile.parse(
            file,
            """
            {"block_out_channels": [4, 8], "layers_per_block": 1, "norm_num_groups": 2,
             "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
             "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}
            """,
            VaeConfig::of);
    VitConfig vision =
        JsonFile.parse(
            file,
            """
            {"model_type": "clip_vision_model", "hidden_size": 16, "intermediate_size": 24,
             "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 12, "patch_size": 4}
            """,
            VitConfig::of);
    return new ThreeDitConfig(
        16,
        unet,
        vae,
        Optional.of(new ClipTextConfig(40, 12, 24, 1, 2, 7, "quick_gelu", 1e-5)),
        vision,
        ThreeDitConfig.ddim());
  }

  SafeTensors.Entry entry(String name) {
    SafeTensors.Entry entry = values.entries().get(name);
    assertTrue(entry != null, name + " is missing");
    return entry;
  }

  boolean has(String name) {
    return values.entries().containsKey(name);
  }

  /** A tensor of the case, in the engine's layout. */
  Tensor tensor(String name) throws WeightsException {
    SafeTensors.Entry entry = entry(name);
    return entry.toTensor(Device.cpu(), DType.F32, Layout.ofParameter(entry.shape()));
  }

  Tensor ids() throws WeightsException {
    return Ops.cast(entry("input.ids").toTensor(Device.cpu(), DType.I64, Layout.SAME), DType.I32);
  }

  int[] timesteps() throws WeightsException {
    Tensor stored = entry("input.timestep").toTensor(Device.cpu(), DType.I64, Layout.SAME);
    float[] values = Ops.cast(stored, DType.F32).toFloats();
    int[] timesteps = new int[values.length];
    for (int i = 0; i < timesteps.length; i++) {
      timesteps[i] = (int) values[i];
    }
    return timesteps;
  }

  /** The noise of a sampling step. */
  Tensor step(int index) throws WeightsException {
    Tensor all = entry("input.steps").toTensor(Device.cpu(), DType.F32, Layout.SAME);
    Tensor one = Ops.slice(all, 0, index, 1);
    return Ops.permute(Ops.reshape(one, BATCH, 4, 8, 8), 0, 2, 3, 1);
  }

  /** Requires a relative error of at most 2e-4, as bundles do. */
  void assertNear(String name, Tensor computed, double leastNorm) throws WeightsException {
    float[] expected = tensor(name).toFloats();
    float[] actual = computed.toFloats();
    assertTrue(expected.length == actual.length, name);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(expected[i] - actual[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    double error = Math.sqrt(difference) / Math.max(Math.sqrt(norm), leastNorm);
    assertTrue(error <= 2e-4, String.format(Locale.ROOT, "%s: error %g", name, error));
  }

  @Override
  public void close() {
    values.close();
  }
}
