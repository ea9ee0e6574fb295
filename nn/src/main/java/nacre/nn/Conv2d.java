package nacre.nn;

import static nacre.nn.MixedPrecision.match;
import static nacre.tensor.ops.Activation.activation;
import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Convolution.conv2d;
import static nacre.tensor.ops.UpsampleConvolution.upsampleConv2d;

import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * Two-dimensional convolution, {@code [N, H, W, in] → [N, OH, OW, out]}. Parameters {@code weight
 * [out, kernel, kernel, in]} ({@code [out, in, kernel, kernel]} on disk) and {@code bias [out]},
 * and those of a low-rank adapter beside them where one is wanted ({@link Parameters#adapted}).
 */
public final class Conv2d implements Layer {
  private final Tensor weight;
  private final Tensor bias;
  private final LowRank adapter;
  private final Window window;

  /** With bias and the same padding on all sides, initialized as PyTorch does. */
  public Conv2d(Parameters p, int in, int out, int kernel, int stride, int padding) {
    this(p, in, out, kernel, Window.of(stride, padding));
  }

  /** With bias, initialized as PyTorch does. */
  public Conv2d(Parameters p, int in, int out, int kernel, Window window) {
    this(
        p,
        in,
        out,
        kernel,
        window,
        Initializer.kaimingUniform(),
        Initializer.bias((long) in * kernel * kernel));
  }

  /**
   * With initializers of the caller's choice.
   *
   * @param bias null for no bias
   */
  public Conv2d(
      Parameters p,
      int in,
      int out,
      int kernel,
      Window window,
      Initializer weight,
      Initializer bias) {
    Sizes.of("Conv2d", p).positive("in", in).positive("out", out).positive("kernel", kernel);
    this.weight = p.parameter("weight", Shape.of(out, kernel, kernel, in), weight);
    this.bias = bias == null ? null : p.parameter("bias", Shape.of(out), bias);
    this.adapter =
        p.adapter(rank -> Shape.of(rank, kernel, kernel, in), rank -> Shape.of(out, 1, 1, rank));
    this.window = window;
  }

  /** {@code x [N, H, W, in] → [N, OH, OW, out]}. */
  @Override
  public Tensor forward(Tensor x) {
    return forward(x, (Tensor) null);
  }

  /**
   * The convolution of x, then an activation, in one pass when no backward follows.
   *
   * @param f such as {@link Unary#RELU}
   */
  public Tensor forward(Tensor x, Unary f) {
    if (adapter == null) {
      return conv2d(x, match(weight, x), match(bias, x), f, window);
    }
    return Scope.tidy(() -> activation(f, forward(x)));
  }

  /**
   * The convolution of x plus a residual, in one pass.
   *
   * @param residual {@code [N, OH, OW, out]}, or {@code [N, 1, 1, out]} for the same at every
   *     pixel; nullable
   */
  public Tensor forward(Tensor x, Tensor residual) {
    if (adapter == null) {
      return conv2d(x, match(weight, x), match(bias, x), residual, window);
    }
    return Scope.tidy(
        () -> {
          Tensor sum = adapter.convolution(x, residual, window);
          return conv2d(x, match(weight, x), match(bias, x), sum, window);
        });
  }

  /** The bias of a layer that is neither adapted nor trained; else null. */
  Tensor constantBias() {
    return adapter != null || weight.tracked() ? null : bias;
  }

  /**
   * The convolution of x with another bias, {@code [out]}, in place of the layer's own. Not for an
   * adapted layer.
   */
  public Tensor forwardBiased(Tensor x, Tensor other) {
    return conv2d(x, match(weight, x), other, (Tensor) null, window);
  }

  /**
   * The convolution of x enlarged to twice its size by repeating pixels, {@code [N, H, W, in] → [N,
   * 2H, 2W, out]}, as one operation. For kernels of 3 × 3 with one pixel of padding.
   */
  public Tensor forwardUpsampled(Tensor x) {
    if (!window.equals(Window.of(1, 1))) {
      throw new IllegalStateException("Conv2d: forwardUpsampled wants padding 1, not " + window);
    }
    if (adapter == null) {
      return upsampleConv2d(x, match(weight, x), match(bias, x));
    }
    return Scope.tidy(
        () -> add(upsampleConv2d(x, match(weight, x), match(bias, x)), adapter.upsampled(x)));
  }
}
