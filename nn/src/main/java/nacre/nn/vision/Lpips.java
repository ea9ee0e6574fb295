package nacre.nn.vision;

import static nacre.tensor.ops.Activation.relu;
import static nacre.tensor.ops.Activation.sqrt;
import static nacre.tensor.ops.Activation.square;
import static nacre.tensor.ops.Affine.affine;
import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.divide;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Arithmetic.subtract;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.MaxPool.maxPool;
import static nacre.tensor.ops.Reduce.mean;
import static nacre.tensor.ops.Reduce.sum;
import static nacre.tensor.ops.Reshape.reshape;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.nn.Conv2d;
import nacre.nn.Initializer;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The learned perceptual distance between pictures, LPIPS, version 0.1: the activations of an image
 * classifier at five depths, each pixel's brought to length one, squared differences weighted by
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

  /** The authors' divisors are lengths plus this. */
  private static final double EPSILON = 1e-10;

  /** Keeps the gradient of a pixel without activations finite, and changes no other. */
  private static final double LEAST_SQUARE = 1e-20;

  private final LpipsNet net;
  private final List<List<Conv2d>> stages = new ArrayList<>();
  private final List<Tensor> heads = new ArrayList<>();
  private final Tensor shift;
  private final Tensor scale;

  /** A network of its usual widths. */
  public Lpips(Parameters p, LpipsNet net) {
    this(p, net, net.widths());
  }

  /**
   * A network of other widths.
   *
   * @param widths channels of the five activations
   */
  public Lpips(Parameters p, LpipsNet net, List<Integer> widths) {
    if (widths.size() != net.stages().size()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "LPIPS: %d widths, %d are wanted", widths.size(), net.stages().size()));
    }
    this.net = net;
    int channels = 3;
    for (int i = 0; i < widths.size(); i++) {
      LpipsNet.Stage stage = net.stages().get(i);
      int width = widths.get(i);
      List<Conv2d> convolutions = new ArrayList<>();
      for (int place : stage.places()) {
        Parameters at = p.at("features").at(place);
        convolutions.add(new Conv2d(at, channels, width, stage.kernel(), stage.window()));
        channels = width;
      }
      stages.add(convolutions);
    }
    for (int i = 0; i < widths.size(); i++) {
      heads.add(
          p.at("lin" + i)
              .at("model.1")
              .parameter("weight", Shape.of(1, 1, 1, widths.get(i)), Initializer.ones()));
    }
    Tensor any = heads.getFirst();
    shift = Tensor.of(any.device(), Shape.of(3), SHIFT);
    scale = Tensor.of(any.device(), Shape.of(3), SCALE);
  }

  /** Which network it is. */
  public LpipsNet net() {
    return net;
  }

  /** The weights of the channels of the five activations. */
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
          List<Tensor> of = directions(a);
          List<Tensor> from = directions(b);
          Tensor total = null;
          for (int i = 0; i < heads.size(); i++) {
            Tensor apart = square(subtract(of.get(i), from.get(i)));
            Tensor one = mean(sum(multiply(apart, heads.get(i)), 3), 1, 2); // [N, 1, 1, 1]
            total = total == null ? one : add(total, one);
          }
          return reshape(total, a.dim(0));
        });
  }

  /** The five activations, each pixel's of length one. */
  private List<Tensor> directions(Tensor images) {
    return Scope.tidy(
        () -> {
          DType compute = images.dtype();
          Tensor x = in(compute, divide(subtract(in(DType.F32, images), shift), scale));
          List<Tensor> directions = new ArrayList<>();
          for (int i = 0; i < stages.size(); i++) {
            int pool = net.stages().get(i).pool();
            x = pool == 0 ? x : maxPool(x, pool, 2);
            for (Conv2d convolution : stages.get(i)) {
              x = relu(convolution.forward(x));
            }
            directions.add(direction(in(DType.F32, x)));
          }
          return directions;
        });
  }

  private static Tensor direction(Tensor x) {
    Tensor length = sqrt(affine(sum(square(x), 3), 1, LEAST_SQUARE));
    return divide(x, affine(length, 1, EPSILON));
  }

  private static Tensor in(DType dtype, Tensor x) {
    return x.dtype() == dtype ? x : cast(x, dtype);
  }
}
