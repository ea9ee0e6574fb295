package nacre.nn;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * A chain of layers, as {@code torch.nn.Sequential}.
 *
 * <pre>{@code
 * Layer mlp =
 *     Sequential.of(p, q -> new Linear(q, 2, 32), _ -> Ops::relu, q -> new Linear(q, 32, 3));
 * p.all(); // 0.weight, 0.bias, 2.weight, 2.bias
 * }</pre>
 *
 * Each layer runs in a scope of its own, and its input is freed when its output is there: where no
 * tape is open, memory is that of one layer.
 */
public final class Sequential implements Layer {
  private final List<Layer> layers;

  /** The constructor of a layer on its place among the parameters. */
  @FunctionalInterface
  public interface Factory {
    /**
     * Builds the layer.
     *
     * @param p the layer's place; of no use to one without parameters
     */
    Layer build(Parameters p);
  }

  private Sequential(Stream<? extends Layer> layers) {
    // A chain within this one is flattened: the input of its first layer is freed as early as any
    // other.
    this.layers =
        layers
            .<Layer>mapMulti(
                (layer, each) -> {
                  if (layer instanceof Sequential inner) {
                    inner.layers.forEach(each);
                  } else {
                    each.accept(layer);
                  }
                })
            .toList();
  }

  /** Layers that exist. */
  public static Sequential of(Layer... layers) {
    return new Sequential(Stream.of(layers));
  }

  /** Layers that exist. */
  public static Sequential of(List<? extends Layer> layers) {
    return new Sequential(layers.stream());
  }

  /** Layers whose parameters are named by their place: the first's below {@code p.at(0)}. */
  public static Sequential of(Parameters p, Factory... factories) {
    return new Sequential(
        IntStream.range(0, factories.length).mapToObj(i -> factories[i].build(p.at(i))));
  }

  @Override
  public Tensor forward(Tensor x) {
    try (Scope scope = Scope.open()) {
      Tensor y = x;
      for (Layer layer : layers) {
        Tensor input = y;
        y = Scope.tidy(() -> layer.forward(input));
        if (y != input) {
          scope.free(input);
        }
      }
      return scope.keep(y);
    }
  }
}
