package nacre.nn.vision;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A file of {@link InceptionV3}, as pytorch-fid and torch-fidelity publish it: {@code
 * Conv2d_1a_3x3.conv.weight}, {@code Conv2d_1a_3x3.bn.running_var} and so on, whatever precedes
 * these names.
 *
 * @param path of a file of safetensors or of PyTorch, or of a folder with {@code model.safetensors}
 */
public record InceptionFile(Path path) {
  private static final String WEIGHT = ".conv.weight";
  private static final String FIRST = "Conv2d_1a_3x3" + WEIGHT;

  /** Of the norms, as TensorFlow's graph has it. */
  private static final double EPSILON = 1e-3;

  /**
   * Builds the network on a device and fills it, in f32 and {@linkplain Parameters#prepack
   * prepacked}. Its tensors belong to the current scope.
   *
   * @param tap where features are taken; of what lies behind it nothing is loaded
   * @throws WeightsException if the file is missing, malformed or does not fit, in one line
   */
  public InceptionV3 load(Device device, InceptionV3.Tap tap) throws WeightsException {
    try (StateDict file =
        Files.isDirectory(path) ? StateDict.open(path, "model") : StateDict.open(path)) {
      Optional<String> first =
          file.entries().keySet().stream().filter(name -> name.endsWith(FIRST)).findFirst();
      if (first.isEmpty()) {
        throw new WeightsException(
            path,
            "has no " + FIRST + "; wanted is the Inception v3 of pytorch-fid or torch-fidelity");
      }
      StateDict dict = file.under(first.get().substring(0, first.get().length() - FIRST.length()));
      Parameters p = Parameters.unwritten(device, DType.F32).frozen();
      InceptionV3 network = new InceptionV3(p, tap, widths(dict));
      for (var one : network.convolutions().entrySet()) {
        fill(one.getKey(), one.getValue(), dict);
      }
      p.prepack();
      return network;
    }
  }

  /** The channels of convolutions, as the tensors' shapes say. */
  private static Map<String, Integer> widths(StateDict dict) {
    Map<String, Integer> widths = new HashMap<>();
    dict.entries()
        .forEach(
            (name, entry) -> {
              if (name.endsWith(WEIGHT) && entry.shape().rank() == 4) {
                String place = name.substring(0, name.length() - WEIGHT.length());
                widths.put(place, entry.shape().dim(0));
              }
            });
    return widths;
  }

  /** Multiplies the weights as the norm would their products, and adds what it adds. */
  private void fill(String place, InceptionParts.Convolved to, StateDict dict)
      throws WeightsException {
    Shape shape = to.weight().shape();
    Device device = to.weight().device();
    float[] w = values(device, dict, place + WEIGHT, shape, Layout.CHANNELS);
    int out = shape.dim(0);
    float[] gamma = vector(device, dict, place + ".bn.weight", out);
    float[] beta = vector(device, dict, place + ".bn.bias", out);
    float[] mean = vector(device, dict, place + ".bn.running_mean", out);
    float[] variance = vector(device, dict, place + ".bn.running_var", out);
    float[] bias = new float[out];
    int each = w.length / out;
    for (int o = 0; o < out; o++) {
      double scale = gamma[o] / Math.sqrt(variance[o] + EPSILON);
      bias[o] = (float) (beta[o] - mean[o] * scale);
      for (int k = o * each; k < (o + 1) * each; k++) {
        w[k] = (float) (w[k] * scale);
      }
    }
    to.weight().copyFrom(w);
    to.bias().copyFrom(bias);
  }

  private float[] vector(Device device, StateDict dict, String name, int length)
      throws WeightsException {
    return values(device, dict, name, Shape.of(length), Layout.SAME);
  }

  private float[] values(Device device, StateDict dict, String name, Shape memory, Layout layout)
      throws WeightsException {
    SafeTensors.Entry entry = dict.entries().get(name);
    if (entry == null) {
      throw new WeightsException(path, "has no " + name);
    }
    Shape wanted = layout.disk(memory);
    if (!entry.shape().equals(wanted)) {
      throw new WeightsException(
          path, String.format(Locale.ROOT, "%s is %s, wanted is %s", name, entry.shape(), wanted));
    }
    try (Scope _ = Scope.open()) {
      Tensor tensor = Tensor.empty(device, DType.F32, memory);
      entry.copyTo(tensor, layout);
      return tensor.toFloats();
    }
  }
}
