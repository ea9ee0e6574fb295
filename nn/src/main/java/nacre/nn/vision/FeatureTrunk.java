package nacre.nn.vision;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Pool.maxPool;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import nacre.nn.Conv2d;
import nacre.nn.Layer;
import nacre.nn.Parameters;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/** The convolutional layers of a classifier, and the activations on the way through them. */
final class FeatureTrunk {
  private final List<List<Layer>> stages = new ArrayList<>();
  private final List<Integer> widths = new ArrayList<>();

  /**
   * Registers the parameters.
   *
   * @param p the place of {@code features}
   * @param channels of a convolution, by its name
   */
  FeatureTrunk(Parameters p, LpipsNet net, ToIntFunction<String> channels) {
    int in = 3;
    for (List<LpipsNet.Part> parts : net.stages()) {
      List<Layer> layers = new ArrayList<>();
      for (LpipsNet.Part part : parts) {
        switch (part) {
          case LpipsNet.Pool pool ->
              layers.add(x -> maxPool(x, pool.kernel(), pool.window(x.dim(1), x.dim(2))));
          case LpipsNet.Convolution c -> {
            int out = channels.applyAsInt("" + c.place());
            layers.add(convolution(p.at(c.place()), in, out, c.kernel(), c.window()));
            in = out;
          }
          case LpipsNet.Fire fire -> {
            FireModule module = FireModule.of(p.at(fire.place()), in, fire.place(), channels);
            layers.add(module);
            in = module.channels;
          }
        }
      }
      stages.add(layers);
      widths.add(in);
    }
  }

  private static Layer convolution(Parameters p, int in, int out, int kernel, Window window) {
    Conv2d convolution = new Conv2d(p, in, out, kernel, window);
    return x -> convolution.forward(x, Unary.RELU);
  }

  private record FireModule(Layer squeeze, Layer one, Layer three, int channels) implements Layer {
    static FireModule of(Parameters p, int in, int place, ToIntFunction<String> channels) {
      int few = channels.applyAsInt(place + ".squeeze");
      int ones = channels.applyAsInt(place + ".expand1x1");
      int threes = channels.applyAsInt(place + ".expand3x3");
      return new FireModule(
          convolution(p.at("squeeze"), in, few, 1, Window.of(1, 0)),
          convolution(p.at("expand1x1"), few, ones, 1, Window.of(1, 0)),
          convolution(p.at("expand3x3"), few, threes, 3, Window.of(1, 1)),
          ones + threes);
    }

    @Override
    public Tensor forward(Tensor x) {
      Tensor few = squeeze.forward(x);
      return concat(3, one.forward(few), three.forward(few));
    }
  }

  /** The channels of each activation. */
  List<Integer> widths() {
    return widths;
  }

  /** {@code x [N, H, W, 3]}, normalized, → the activations, {@code [N, h, w, C]} each. */
  List<Tensor> activations(Tensor x) {
    List<Tensor> activations = new ArrayList<>();
    Tensor at = x;
    for (List<Layer> layers : stages) {
      for (Layer layer : layers) {
        at = layer.forward(at);
      }
      activations.add(at);
    }
    return activations;
  }
}
