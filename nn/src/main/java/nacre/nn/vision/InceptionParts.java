package nacre.nn.vision;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Convolution.conv2d;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.nn.Initializer;
import nacre.nn.Layer;
import nacre.nn.Parameters;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/** What {@link InceptionV3} is put together from: convolutions, in chains and beside each other. */
final class InceptionParts {
  private final Parameters parameters;
  private final Map<String, Integer> widths;
  private final Map<String, Convolved> convolutions;
  private final String prefix;

  /**
   * Parts whose parameters are at a place.
   *
   * @param widths channels of convolutions by name; those that are missing have the usual
   */
  InceptionParts(Parameters parameters, Map<String, Integer> widths) {
    this(parameters, widths, new LinkedHashMap<>(), "");
  }

  private InceptionParts(
      Parameters parameters,
      Map<String, Integer> widths,
      Map<String, Convolved> convolutions,
      String prefix) {
    this.parameters = parameters;
    this.widths = widths;
    this.convolutions = convolutions;
    this.prefix = prefix;
  }

  /** The parts of a block. */
  InceptionParts in(String block) {
    return new InceptionParts(parameters, widths, convolutions, prefix + block + ".");
  }

  /** The parameters of a convolution with its norm folded in. */
  record Convolved(Tensor weight, Tensor bias) {}

  /** All convolutions that were made, by name. */
  Map<String, Convolved> convolutions() {
    return convolutions;
  }

  /** A layer, with the channels of its output. */
  record Made(Layer layer, int channels) {}

  /** A layer that is to be made for an input of some channels. */
  interface Step {
    Made make(int channels);
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
  Step same(String name, int usual, int high, int wide) {
    int above = high / 2;
    int beside = wide / 2;
    Window window = new Window(1, above, beside, above, beside);
    return convolution(name, usual, high, wide, window, Unary.RELU);
  }

  /** A convolution of 3 × 3 within the image, its norm, and ReLU. */
  Step inside(String name, int usual, int stride) {
    return convolution(name, usual, 3, 3, Window.of(stride, 0), Unary.RELU);
  }

  /** A convolution of single pixels and its norm. */
  Step linear(String name, int usual) {
    return convolution(name, usual, 1, 1, Window.of(1, 0), null);
  }

  private Step convolution(String name, int usual, int high, int wide, Window window, Unary f) {
    return channels -> {
      String place = prefix + name;
      int out = widths.getOrDefault(place, usual);
      Parameters p = parameters.at(place).at("conv");
      Tensor weight =
          p.parameter("weight", Shape.of(out, high, wide, channels), Initializer.kaimingUniform());
      Tensor bias = p.parameter("bias", Shape.of(out), Initializer.zeros());
      convolutions.put(place, new Convolved(weight, bias));
      return new Made(x -> conv2d(x, weight, bias, f, window), out);
    };
  }
}
