package nacre.nn.vision;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Convolution.conv2d;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.nn.Layer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * What {@link InceptionV3} is put together from. The widths of its layers are those that the
 * tensors in the file have; that they fit together is checked.
 */
final class InceptionParts {
  private static final String FIRST = "Conv2d_1a_3x3.conv.weight";

  /** Of the norms, as TensorFlow's graph has it. */
  private static final double EPSILON = 1e-3;

  private final Device device;
  private final Path file;
  private final StateDict dict;
  private final String prefix;

  /**
   * Parts of a file's tensors.
   *
   * @throws WeightsException if it does not hold the network
   */
  InceptionParts(Device device, Path file, StateDict dict) throws WeightsException {
    Optional<String> first =
        dict.entries().keySet().stream().filter(name -> name.endsWith(FIRST)).findFirst();
    if (first.isEmpty()) {
      throw new WeightsException(
          file,
          "has no " + FIRST + "; wanted is the Inception v3 of pytorch-fid or torch-fidelity");
    }
    this.device = device;
    this.file = file;
    this.dict = dict.under(first.get().substring(0, first.get().length() - FIRST.length()));
    this.prefix = "";
  }

  private InceptionParts(InceptionParts root, String prefix) {
    this.device = root.device;
    this.file = root.file;
    this.dict = root.dict;
    this.prefix = prefix;
  }

  /** The parts of a block. */
  InceptionParts in(String block) {
    return new InceptionParts(this, prefix + block + ".");
  }

  /** A layer, with the channels of its output. */
  record Made(Layer layer, int channels) {}

  /** A layer that is to be made for an input of some channels. */
  interface Step {
    Made make(int channels) throws WeightsException;
  }

  /** Makes steps one behind the other, for pictures. */
  List<Made> build(List<Step> steps) throws WeightsException {
    List<Made> all = new ArrayList<>();
    int channels = 3;
    for (Step step : steps) {
      Made made = step.make(channels);
      channels = made.channels;
      all.add(new Made(x -> Scope.tidy(() -> made.layer.forward(x)), channels));
    }
    return all;
  }

  /** One behind the other. */
  Step chain(Step... steps) {
    return channels -> {
      Made all = new Made(x -> x, channels);
      for (Step step : steps) {
        Layer before = all.layer;
        Made next = step.make(all.channels);
        all = new Made(x -> next.layer.forward(before.forward(x)), next.channels);
      }
      return all;
    };
  }

  /** All of the same input, their outputs behind each other in the channels. */
  Step beside(Step... branches) {
    return channels -> {
      List<Layer> layers = new ArrayList<>();
      int sum = 0;
      for (Step branch : branches) {
        Made made = branch.make(channels);
        layers.add(made.layer);
        sum += made.channels;
      }
      Layer all =
          x ->
              Scope.tidy(
                  () -> concat(3, layers.stream().map(l -> l.forward(x)).toArray(Tensor[]::new)));
      return new Made(all, sum);
    };
  }

  /** A layer without parameters that keeps the channels. */
  Step layer(Layer layer) {
    return channels -> new Made(layer, channels);
  }

  /** A convolution that keeps height and width, its norm, and ReLU. */
  Step same(String name, int high, int wide) {
    int above = high / 2;
    int beside = wide / 2;
    return convolution(name, high, wide, new Window(1, above, beside, above, beside));
  }

  /** A convolution, its norm, and ReLU. */
  Step convolution(String name, int high, int wide, Window window) {
    return convolution(name, high, wide, window, Unary.RELU);
  }

  /** A convolution and its norm. */
  Step linear(String name, int high, int wide, Window window) {
    return convolution(name, high, wide, window, null);
  }

  private Step convolution(String name, int high, int wide, Window window, Unary f) {
    return channels -> {
      String place = prefix + name;
      SafeTensors.Entry entry = entry(place + ".conv.weight");
      Shape disk = entry.shape();
      Shape wanted = Shape.of(disk.rank() == 4 ? disk.dim(0) : 0, channels, high, wide);
      if (!disk.equals(wanted)) {
        throw new WeightsException(
            file,
            String.format(
                Locale.ROOT,
                "%s.conv.weight is %s, wanted is [any, %d, %d, %d]",
                place,
                disk,
                channels,
                high,
                wide));
      }
      int out = disk.dim(0);
      float[] w = values(entry, Layout.CHANNELS.memory(disk), Layout.CHANNELS);
      float[] bias = fold(place, out, w);
      Tensor weight = Tensor.of(device, Shape.of(out, high, wide, channels), w).prepack();
      Tensor shift = Tensor.of(device, Shape.of(out), bias);
      return new Made(x -> conv2d(x, weight, shift, f, window), out);
    };
  }

  /** Multiplies the weights as the norm would their products; returns what it adds. */
  private float[] fold(String place, int out, float[] w) throws WeightsException {
    float[] gamma = vector(place + ".bn.weight", out);
    float[] beta = vector(place + ".bn.bias", out);
    float[] mean = vector(place + ".bn.running_mean", out);
    float[] variance = vector(place + ".bn.running_var", out);
    float[] bias = new float[out];
    int each = w.length / out;
    for (int o = 0; o < out; o++) {
      double scale = gamma[o] / Math.sqrt(variance[o] + EPSILON);
      bias[o] = (float) (beta[o] - mean[o] * scale);
      for (int k = o * each; k < (o + 1) * each; k++) {
        w[k] = (float) (w[k] * scale);
      }
    }
    return bias;
  }

  private float[] vector(String name, int length) throws WeightsException {
    SafeTensors.Entry entry = entry(name);
    if (!entry.shape().equals(Shape.of(length))) {
      throw new WeightsException(
          file,
          String.format(Locale.ROOT, "%s is %s, wanted is [%d]", name, entry.shape(), length));
    }
    return values(entry, entry.shape(), Layout.SAME);
  }

  private SafeTensors.Entry entry(String name) throws WeightsException {
    SafeTensors.Entry entry = dict.entries().get(name);
    if (entry == null) {
      throw new WeightsException(file, "has no " + name);
    }
    return entry;
  }

  private float[] values(SafeTensors.Entry entry, Shape memory, Layout layout)
      throws WeightsException {
    try (Scope _ = Scope.open()) {
      Tensor tensor = Tensor.empty(device, DType.F32, memory);
      entry.copyTo(tensor, layout);
      return tensor.toFloats();
    }
  }
}
