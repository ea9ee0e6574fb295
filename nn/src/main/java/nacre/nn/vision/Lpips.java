package nacre.nn.vision;

import static nacre.tensor.ops.Activation.sqrt;
import static nacre.tensor.ops.Activation.square;
import static nacre.tensor.ops.Affine.affine;
import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.divide;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Arithmetic.subtract;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Reduce.mean;
import static nacre.tensor.ops.Reduce.sum;
import static nacre.tensor.ops.Reshape.reshape;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import nacre.nn.Initializer;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The learned perceptual distance between pictures, LPIPS, version 0.1: the activations of an image
 * classifier at several depths, each pixel's brought to length one, squared differences weighted by
 * channel, averaged over the pixels and summed over the depths (Zhang et al., "The Unreasonable
 * Effectiveness of Deep Features as a Perceptual Metric", 2018). Differentiable with respect to
 * both pictures, so that it is a loss as well as a metric.
 *
 * <p>Parameters as in torchvision and in the authors' files: {@code features.N.weight}, {@code
 * features.N.bias}, {@code linI.model.1.weight}.
 */
public final class Lpips {
  private static final float[] SHIFT = {-0.030f, -0.088f, -0.188f};
  private static final float[] SCALE = {0.458f, 0.448f, 0.450f};

  /** What keeps the division by a length of zero finite. */
  public enum Epsilon {
    /** The authors' and {@code lpips}': {@code x / (√Σx² + 1e-10)}. */
    AUTHORS(1e-20, 1e-10), // the first keeps the gradient of a dead pixel finite, and changes none

    /** torchmetrics': {@code x / √(Σx² + 1e-8)}. Distances differ in the fifth digit. */
    TORCHMETRICS(1e-8, 0);

    private final double inside;
    private final double outside;

    Epsilon(double inside, double outside) {
      this.inside = inside;
      this.outside = outside;
    }
  }

  private final LpipsNet net;
  private final Parameters parameters;
  private final FeatureTrunk trunk;
  private final List<Tensor> heads = new ArrayList<>();
  private final Tensor shift;
  private final Tensor scale;

  /** A network of its usual widths. */
  public Lpips(Parameters p, LpipsNet net) {
    this(p, net, usual(net)::get);
  }

  private static Map<String, Integer> usual(LpipsNet net) {
    return net.convolutions()
        .collect(Collectors.toMap(LpipsNet.Named::name, LpipsNet.Named::channels));
  }

  /**
   * A network of other widths.
   *
   * @param channels of a convolution, by its name below {@code features}: {@code 3}, {@code
   *     3.squeeze}
   */
  public Lpips(Parameters p, LpipsNet net, ToIntFunction<String> channels) {
    this.net = net;
    this.parameters = p;
    this.trunk = new FeatureTrunk(p.at("features"), net, channels);
    for (int width : trunk.widths()) {
      heads.add(
          p.at("lin" + heads.size())
              .at("model.1")
              .parameter("weight", Shape.of(1, 1, 1, width), Initializer.ones()));
    }
    Tensor any = heads.getFirst();
    shift = Tensor.of(any.device(), Shape.of(3), SHIFT);
    scale = Tensor.of(any.device(), Shape.of(3), SCALE);
  }

  /**
   * {@linkplain Parameters#prepack Prepacks} the weights: for a metric, not for a loss.
   *
   * @return this
   */
  public Lpips prepack() {
    parameters.at("features").all().values().forEach(Tensor::prepack);
    return this;
  }

  /** Which network it is. */
  public LpipsNet net() {
    return net;
  }

  /** The weights of the activations' channels. */
  List<Tensor> heads() {
    return heads;
  }

  /**
   * The distance of each pair of pictures: {@code [N, H, W, 3]}, {@code [N, H, W, 3]} → {@code
   * [N]}, f32. The network computes in the pictures' type, what follows it in f32.
   *
   * @param a f32 or bf16, in [−1, 1]
   * @param b of the same shape and type
   * @throws IllegalArgumentException if the pictures are smaller than {@link LpipsNet#smallest}
   */
  public Tensor distance(Tensor a, Tensor b) {
    return distance(a, b, Epsilon.AUTHORS);
  }

  /** As {@link #distance(Tensor, Tensor)}, with the epsilon of another implementation. */
  public Tensor distance(Tensor a, Tensor b, Epsilon epsilon) {
    if (!a.shape().equals(b.shape()) || a.shape().rank() != 4 || a.dim(3) != 3) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "LPIPS: %s and %s, wanted are two of [N, H, W, 3]",
              a.describe(),
              b.describe()));
    }
    if (Math.min(a.dim(1), a.dim(2)) < net.smallest()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "LPIPS: %s is smaller than the %d pixels a side that net %s wants",
              a.describe(),
              net.smallest(),
              net));
    }
    return Scope.tidy(
        () -> {
          List<Tensor> of = activations(a);
          List<Tensor> from = activations(b);
          Tensor total = null;
          for (int i = 0; i < heads.size(); i++) {
            Tensor one = distance(of.get(i), from.get(i), heads.get(i), epsilon);
            total = total == null ? one : add(total, one);
          }
          return reshape(total, a.dim(0));
        });
  }

  /** Of activations at one depth, {@code [N, 1, 1, 1]}. */
  private static Tensor distance(Tensor a, Tensor b, Tensor head, Epsilon epsilon) {
    return Scope.tidy(
        () -> {
          Tensor apart = square(subtract(direction(a, epsilon), direction(b, epsilon)));
          return mean(sum(multiply(apart, in(DType.F32, head)), 3), 1, 2);
        });
  }

  private List<Tensor> activations(Tensor images) {
    DType compute = images.dtype();
    return trunk.activations(in(compute, divide(subtract(in(DType.F32, images), shift), scale)));
  }

  /** The activation in f32, each pixel's of length one. */
  private static Tensor direction(Tensor activation, Epsilon epsilon) {
    Tensor x = in(DType.F32, activation);
    Tensor length = sqrt(affine(sum(square(x), 3), 1, epsilon.inside));
    return divide(x, affine(length, 1, epsilon.outside));
  }

  private static Tensor in(DType dtype, Tensor x) {
    return x.dtype() == dtype ? x : cast(x, dtype);
  }
}
