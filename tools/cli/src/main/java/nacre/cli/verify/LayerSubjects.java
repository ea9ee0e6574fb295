package nacre.cli.verify;

import static nacre.tensor.ops.Pad.pad;
import static nacre.tensor.ops.ScaledDotProductAttention.attention;
import static nacre.tensor.ops.Sinusoids.sinusoids;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import nacre.nn.Conv2d;
import nacre.nn.GroupNorm;
import nacre.nn.Initializer;
import nacre.nn.LayerNorm;
import nacre.nn.Linear;
import nacre.nn.Parameters;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Activation;
import nacre.tensor.ops.Softmax;
import nacre.tensor.spi.Window;
import nacre.weights.ConfigJson;

/** The layers of {@code torch.nn}, built from their constructors' arguments: x → out. */
final class LayerSubjects {
  private LayerSubjects() {}

  static Subject linear(ConfigJson c, Parameters p) {
    Linear layer =
        new Linear(
            p, required(c, "in_features"), required(c, "out_features"), c.flag("bias", true));
    return of(layer::forward);
  }

  static Subject conv2d(ConfigJson c, Parameters p) {
    c.require("groups", 1);
    c.require("padding_mode", "zeros");
    int in = required(c, "in_channels");
    int kernel = square(c, "kernel_size", 0);
    square(c, "dilation", 1);
    c.require("dilation", 1);
    Conv2d layer =
        new Conv2d(
            p,
            in,
            required(c, "out_channels"),
            kernel,
            Window.of(square(c, "stride", 1), square(c, "padding", 0)),
            Initializer.zeros(),
            c.flag("bias", true) ? Initializer.zeros() : null);
    return channels(layer::forward);
  }

  static Subject groupNorm(ConfigJson c, Parameters p) {
    c.require("affine", true);
    GroupNorm layer =
        new GroupNorm(
            p, required(c, "num_groups"), required(c, "num_channels"), c.number("eps", 1e-5));
    return channels(layer::forward);
  }

  static Subject layerNorm(ConfigJson c, Parameters p) {
    c.require("elementwise_affine", true);
    c.require("bias", true);
    List<Integer> shape = c.integers("normalized_shape", 1, List.of());
    if (shape.isEmpty()) {
      throw new IllegalArgumentException("LayerNorm: normalized_shape is missing");
    }
    LayerNorm layer = new LayerNorm(p, shape.getFirst(), c.number("eps", 1e-5));
    return of(layer::forward);
  }

  static Subject gelu(ConfigJson c) {
    return switch (c.text("approximate", "none")) {
      case "none" -> of(Activation::gelu);
      case "tanh" -> of(Activation::geluTanh);
      default ->
          throw new IllegalArgumentException(
              "GELU: approximate is " + c.node().get("approximate") + "; known are none, tanh");
    };
  }

  static Subject softmax(ConfigJson c) {
    int dim = c.integer("dim", -1);
    return of(
        x -> {
          if (dim < -x.shape().rank() || dim >= x.shape().rank()) {
            throw new IllegalArgumentException(
                String.format(Locale.ROOT, "Softmax: dim is %d, input.x is %s", dim, x.describe()));
          }
          int axis = x.shape().axis(dim);
          int last = x.shape().rank() - 1;
          Tensor y = Softmax.softmax(TorchLayout.moveAxis(x, axis, last));
          return TorchLayout.moveAxis(y, last, axis);
        });
  }

  static Subject attentionOp(ConfigJson c) {
    c.require("dropout_p", 0, 0.0);
    c.require("attn_mask");
    boolean causal = c.flag("is_causal", false);
    return inputs -> {
      Tensor q = inputs.headsInside("query");
      double scale = c.number("scale", 1 / Math.sqrt(q.dim(3)));
      Tensor y =
          attention(q, inputs.headsInside("key"), inputs.headsInside("value"), scale, causal);
      return Map.of("out", TorchLayout.swapHeads(y));
    };
  }

  static Subject timesteps(ConfigJson c) {
    c.require("scale", 1, 1.0);
    int width = required(c, "num_channels");
    boolean cosineFirst = c.flag("flip_sin_to_cos", false);
    double shift = c.number("downscale_freq_shift", 0);
    return inputs -> {
      Tensor y = sinusoids(inputs.exact("timesteps"), width / 2 * 2, cosineFirst, shift, 10_000);
      // diffusers fills an odd width with zeros.
      return Map.of("out", pad(y, new int[] {0, 0}, new int[] {0, width % 2}));
    };
  }

  /** Elementwise layers, and those that work on the last axis. */
  static Subject of(UnaryOperator<Tensor> layer) {
    return inputs -> Map.of("out", layer.apply(inputs.get("x")));
  }

  /** Layers that work on channels. */
  private static Subject channels(UnaryOperator<Tensor> layer) {
    return inputs ->
        Map.of("out", TorchLayout.channelsFirst(layer.apply(inputs.channelsLast("x"))));
  }

  static int required(ConfigJson c, String key) {
    if (!c.has(key)) {
      throw new IllegalArgumentException(c.model() + ": " + key + " is missing");
    }
    return c.integer(key, 0);
  }

  /** A number, or a pair of equal numbers; with 0 for {@code otherwise} it is required. */
  private static int square(ConfigJson c, String key, int otherwise) {
    List<Integer> pair = c.integers(key, 2, List.of(otherwise, otherwise));
    if (!pair.get(0).equals(pair.get(1))) {
      throw new IllegalArgumentException(
          "Conv2d: " + key + " " + pair + " differs between the axes, which is not supported");
    }
    return pair.getFirst();
  }
}
