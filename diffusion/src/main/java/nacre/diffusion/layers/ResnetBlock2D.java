package nacre.diffusion.layers;

import static nacre.tensor.ops.Reshape.reshape;

import nacre.nn.Conv2d;
import nacre.nn.GroupNorm;
import nacre.nn.Layer;
import nacre.nn.Linear;
import nacre.nn.Parameters;
import nacre.nn.StackedLinear;
import nacre.tensor.Range;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * A residual block of two convolutions, each after GroupNorm and SiLU: {@code x [N, H, W, in] → [N,
 * H, W, out]}. Names as in diffusers' {@code ResnetBlock2D}.
 */
public final class ResnetBlock2D implements Layer {
  private final String name;
  private final GroupNorm norm1;
  private final Conv2d conv1;
  private final Linear timeProjection;
  private final GroupNorm norm2;
  private final Conv2d conv2;
  private final Conv2d shortcut;

  /**
   * A block.
   *
   * @param timeWidth width of the time embedding; 0 for a block without one
   */
  public ResnetBlock2D(Parameters p, int in, int out, int timeWidth, int groups, double eps) {
    name = p.place();
    norm1 = new GroupNorm(p.at("norm1"), groups, in, eps);
    conv1 = new Conv2d(p.at("conv1"), in, out, 3, 1, 1);
    timeProjection = timeWidth == 0 ? null : new Linear(p.at("time_emb_proj"), timeWidth, out);
    norm2 = new GroupNorm(p.at("norm2"), groups, out, eps);
    conv2 = new Conv2d(p.at("conv2"), out, out, 3, 1, 1);
    shortcut = in == out ? null : new Conv2d(p.at("conv_shortcut"), in, out, 1, 1, 0);
  }

  /** {@code x [N, H, W, in] → [N, H, W, out]}, for a block without a time embedding. */
  @Override
  public Tensor forward(Tensor x) {
    return forward(x, null);
  }

  /**
   * {@code x [N, H, W, in] → [N, H, W, out]}.
   *
   * @param time [N, timeWidth], the time embedding after its SiLU; null for a block without one
   */
  public Tensor forward(Tensor x, Tensor time) {
    return forward(x, time, null);
  }

  /**
   * The same where the time embedding's projection was made before, with {@link #timeProjection}.
   *
   * @param bias {@code [out]}, of the first convolution, with the projection in it; null for none
   */
  public Tensor forward(Tensor x, Tensor time, Tensor bias) {
    try (Range _ = x.device().range(name)) {
      return Scope.tidy(
          () -> {
            Tensor h = Scope.tidy(() -> first(norm1.forwardSilu(x), time, bias));
            Tensor normalized = norm2.forwardSilu(h);
            Scope.current().free(h); // before there is the shortcut, as large as it
            Tensor skip = shortcut == null ? x : shortcut.forward(x);
            return conv2.forward(normalized, skip);
          });
    }
  }

  private Tensor first(Tensor x, Tensor time, Tensor bias) {
    if (bias != null) {
      return conv1.forwardBiased(x, bias);
    }
    Tensor shift =
        timeProjection == null
            ? null
            : reshape(timeProjection.forward(time), time.dim(0), 1, 1, -1); // [N, 1, 1, out]
    return conv1.forward(x, shift);
  }

  /** The projection of the time embedding, and the convolution to which it is added. */
  public StackedLinear.Pair timeProjection() {
    return new StackedLinear.Pair(timeProjection, conv1);
  }
}
