package nacre.tensor.ops;

import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * Every operation in one place: {@code import static nacre.tensor.ops.Ops.*}. Each is described in
 * full where it is delegated to.
 */
public final class Ops {
  private Ops() {}

  // ---- elementwise functions of one tensor; the result has its shape

  /** f(x), a function by name. */
  public static Tensor activation(Unary f, Tensor x) {
    return Activation.activation(f, x);
  }

  /** x · sigmoid(x). */
  public static Tensor silu(Tensor x) {
    return Activation.silu(x);
  }

  /** x · Φ(x), with the error function. */
  public static Tensor gelu(Tensor x) {
    return Activation.gelu(x);
  }

  /** GELU by the tanh approximation. */
  public static Tensor geluTanh(Tensor x) {
    return Activation.geluTanh(x);
  }

  /** x · sigmoid(1.702 x), the GELU of CLIP. */
  public static Tensor quickGelu(Tensor x) {
    return Activation.quickGelu(x);
  }

  /** 1 / (1 + e⁻ˣ). */
  public static Tensor sigmoid(Tensor x) {
    return Activation.sigmoid(x);
  }

  /** max(x, 0). */
  public static Tensor relu(Tensor x) {
    return Activation.relu(x);
  }

  /** Hyperbolic tangent. */
  public static Tensor tanh(Tensor x) {
    return Activation.tanh(x);
  }

  /** eˣ. */
  public static Tensor exp(Tensor x) {
    return Activation.exp(x);
  }

  /** x². */
  public static Tensor square(Tensor x) {
    return Activation.square(x);
  }

  /** √x. */
  public static Tensor sqrt(Tensor x) {
    return Activation.sqrt(x);
  }

  /** Sine. */
  public static Tensor sin(Tensor x) {
    return Activation.sin(x);
  }

  /** Cosine. */
  public static Tensor cos(Tensor x) {
    return Activation.cos(x);
  }

  /** Natural logarithm. */
  public static Tensor log(Tensor x) {
    return Activation.log(x);
  }

  /** log(1 + eˣ). */
  public static Tensor softplus(Tensor x) {
    return Activation.softplus(x);
  }

  /** |x|. */
  public static Tensor abs(Tensor x) {
    return Activation.abs(x);
  }

  /** x · tanh(softplus(x)). */
  public static Tensor mish(Tensor x) {
    return Mish.mish(x);
  }

  /** x / (1 − p) with probability 1 − p, else zero; for training. */
  public static Tensor dropout(Tensor x, double p, long seed, long stream) {
    return Dropout.dropout(x, p, seed, stream);
  }

  /** scale · x + shift. */
  public static Tensor affine(Tensor x, double scale, double shift) {
    return Affine.affine(x, scale, shift);
  }

  /** scale · x. */
  public static Tensor scale(Tensor x, double scale) {
    return Affine.scale(x, scale);
  }

  /** min(max(x, low), high). */
  public static Tensor clamp(Tensor x, double low, double high) {
    return Clamp.clamp(x, low, high);
  }

  /** x in another dtype, rounded to nearest even; x itself where that is its dtype. */
  public static Tensor cast(Tensor x, DType to) {
    return Cast.cast(x, to);
  }

  // ---- elementwise functions of two tensors, which broadcast to each other

  /** a + b. */
  public static Tensor add(Tensor a, Tensor b) {
    return Arithmetic.add(a, b);
  }

  /** a − b. */
  public static Tensor subtract(Tensor a, Tensor b) {
    return Arithmetic.subtract(a, b);
  }

  /** a · b. */
  public static Tensor multiply(Tensor a, Tensor b) {
    return Arithmetic.multiply(a, b);
  }

  /** a / b. */
  public static Tensor divide(Tensor a, Tensor b) {
    return Arithmetic.divide(a, b);
  }

  /** a · scaleA + b · scaleB, of one shape. */
  public static Tensor mix(Tensor a, double scaleA, Tensor b, double scaleB) {
    return Mix.mix(a, scaleA, b, scaleB);
  }

  /** 1 where a = b, else 0. */
  public static Tensor equal(Tensor a, Tensor b) {
    return Comparison.equal(a, b);
  }

  /** 1 where a &lt; b, else 0. */
  public static Tensor less(Tensor a, Tensor b) {
    return Comparison.less(a, b);
  }

  /** a where the mask (u8, or of a's dtype) is not zero, else b. */
  public static Tensor where(Tensor mask, Tensor a, Tensor b) {
    return Where.where(mask, a, b);
  }

  // ---- reductions and losses

  /** The sum of all elements, a scalar. */
  public static Tensor sum(Tensor x) {
    return Reduce.sum(x);
  }

  /** Sums over axes, which stay with extent 1. */
  public static Tensor sum(Tensor x, int... axes) {
    return Reduce.sum(x, axes);
  }

  /** The mean of all elements, a scalar. */
  public static Tensor mean(Tensor x) {
    return Reduce.mean(x);
  }

  /** Means over axes, which stay with extent 1. */
  public static Tensor mean(Tensor x, int... axes) {
    return Reduce.mean(x, axes);
  }

  /** The largest of all elements, a scalar. */
  public static Tensor max(Tensor x) {
    return Reduce.max(x);
  }

  /** The largest over axes, which stay with extent 1. */
  public static Tensor max(Tensor x, int... axes) {
    return Reduce.max(x, axes);
  }

  /** {@code x [.., C] →} i32 {@code [..]}: where the largest of the last axis stands. */
  public static Tensor argmax(Tensor x) {
    return Argmax.argmax(x);
  }

  /** {@code x [.., C] → [.., C]}: softmax over the last axis. */
  public static Tensor softmax(Tensor x) {
    return Softmax.softmax(x);
  }

  /** a, b of one shape → f32 scalar, the mean of (a − b)². */
  public static Tensor meanSquaredError(Tensor a, Tensor b) {
    return MeanSquaredError.meanSquaredError(a, b);
  }

  /** a, b of one shape → f32 scalar, the mean of |a − b|. */
  public static Tensor meanAbsoluteError(Tensor a, Tensor b) {
    return AbsoluteError.meanAbsoluteError(a, b);
  }

  /** a, b of one shape → f32 scalar: quadratic up to delta, linear beyond. */
  public static Tensor huberLoss(Tensor a, Tensor b, double delta) {
    return HuberLoss.huberLoss(a, b, delta);
  }

  /**
   * {@code logits [.., C], targets [..] →} f32 scalar, the mean of −log softmax(logits)[target].
   */
  public static Tensor crossEntropy(Tensor logits, Tensor targets) {
    return CrossEntropy.crossEntropy(logits, targets);
  }

  // ---- matrix products and attention; a bias, an activation and a residual may be null

  /** {@code a [.., M, K], b [.., K, N] → [.., M, N]}. */
  public static Tensor matmul(Tensor a, Tensor b) {
    return MatrixProduct.matmul(a, b);
  }

  /** {@link #matmul(Tensor, Tensor)} of matrices that may be stored transposed. */
  public static Tensor matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB) {
    return MatrixProduct.matmul(a, transposeA, b, transposeB);
  }

  /** {@code x [.., I], w [O, I], bias [O] → [.., O]}: x · wᵀ + bias. */
  public static Tensor linear(Tensor x, Tensor w, Tensor bias) {
    return Linear.linear(x, w, bias);
  }

  /** f of {@link #linear(Tensor, Tensor, Tensor)}. */
  public static Tensor linear(Tensor x, Tensor w, Tensor bias, Unary f) {
    return Linear.linear(x, w, bias, f);
  }

  /** f of {@link #linear(Tensor, Tensor, Tensor)}, plus {@code residual [.., O]}. */
  public static Tensor linear(Tensor x, Tensor w, Tensor bias, Unary f, Tensor residual) {
    return Linear.linear(x, w, bias, f, residual);
  }

  /** Without a gradient, {@code x [.., I], w [count, O, I] → [count, .., O]}. */
  public static Tensor linears(Tensor x, Tensor w) {
    return Linear.linears(x, w);
  }

  /** {@code x [.., 2C] → [.., C]}: x[.., :C] · gelu(x[.., C:]). */
  public static Tensor geglu(Tensor x) {
    return Geglu.geglu(x);
  }

  /** {@code x [.., I], w [2C, I], bias [2C] → [.., C]}: geglu(x · wᵀ + bias). */
  public static Tensor geglu(Tensor x, Tensor w, Tensor bias) {
    return LinearGeglu.geglu(x, w, bias);
  }

  /** {@code q [N, T, heads, D], k and v [N, S, heads, D] → [N, T, heads, D]}, with scale 1/√D. */
  public static Tensor attention(Tensor q, Tensor k, Tensor v) {
    return ScaledDotProductAttention.attention(q, k, v);
  }

  /** Attention with a scale of one's own; causal: query t sees keys up to t only. */
  public static Tensor attention(Tensor q, Tensor k, Tensor v, double scale, boolean causal) {
    return ScaledDotProductAttention.attention(q, k, v, scale, causal);
  }

  // ---- normalization, with gamma and beta [C]

  /** {@code x [N, .., C] → [N, .., C]}: normalized over groups of channels. */
  public static Tensor groupNorm(Tensor x, Tensor gamma, Tensor beta, int groups, double eps) {
    return GroupNormalization.groupNorm(x, gamma, beta, groups, eps);
  }

  /** silu of {@link #groupNorm}, in one pass. */
  public static Tensor groupNormSilu(Tensor x, Tensor gamma, Tensor beta, int groups, double eps) {
    return GroupNormalization.groupNormSilu(x, gamma, beta, groups, eps);
  }

  /** {@code x [.., C] → [.., C]}: normalized over the last axis. */
  public static Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, double eps) {
    return LayerNormalization.layerNorm(x, gamma, beta, eps);
  }

  // ---- images

  /** {@code x [N, H, W, I], w [O, KH, KW, I], bias [O] → [N, OH, OW, O]}. */
  public static Tensor conv2d(Tensor x, Tensor w, Tensor bias, Window window) {
    return Convolution.conv2d(x, w, bias, window);
  }

  /** Convolution, then an activation. */
  public static Tensor conv2d(Tensor x, Tensor w, Tensor bias, Unary f, Window window) {
    return Convolution.conv2d(x, w, bias, f, window);
  }

  /** Convolution plus a residual {@code [N, OH, OW, O]} or {@code [N, 1, 1, O]}. */
  public static Tensor conv2d(Tensor x, Tensor w, Tensor bias, Tensor residual, Window window) {
    return Convolution.conv2d(x, w, bias, residual, window);
  }

  /** {@code x [N, H, W, I], w [O, 3, 3, I] → [N, 2H, 2W, O]}: x enlarged, then convolved. */
  public static Tensor upsampleConv2d(Tensor x, Tensor w, Tensor bias) {
    return UpsampleConvolution.upsampleConv2d(x, w, bias);
  }

  /** {@code x [N, H, W, C] → [N, fH, fW, C]}: each pixel repeated f × f times. */
  public static Tensor upsampleNearest(Tensor x, int factor) {
    return Resample.upsampleNearest(x, factor);
  }

  /** {@code x [N, fH, fW, C] → [N, H, W, C]}: the mean of each f × f block. */
  public static Tensor averagePool(Tensor x, int factor) {
    return Resample.averagePool(x, factor);
  }

  /** {@code x [N, H, W, C]} → the largest element of each kernel × kernel window. */
  public static Tensor maxPool(Tensor x, int kernel, int stride) {
    return Pool.maxPool(x, kernel, stride);
  }

  /** {@code x [N, H, W, C]} → the largest element of each window that may reach out of x. */
  public static Tensor maxPool(Tensor x, int kernel, Window window) {
    return Pool.maxPool(x, kernel, window);
  }

  /** {@code x [N, H, W, C]} → the mean of what each window has of x. */
  public static Tensor averagePool(Tensor x, int kernel, Window window) {
    return Pool.averagePool(x, kernel, window);
  }

  /** {@code x [N, H, W, C], boxes [N, R, 4] → [N, R, height, width, C]}. */
  public static Tensor cropResize(Tensor x, Tensor boxes, int height, int width) {
    return CropResize.cropResize(x, boxes, height, width);
  }

  /** {@code x [N, H, W, C] → [N, height, width, C]}: an antialiased bilinear resize. */
  public static Tensor resize(Tensor x, int height, int width) {
    return CropResize.resize(x, height, width);
  }

  /** {@code x [N, fH, fW, C] → [N, H, W, f·f·C]}. */
  public static Tensor spaceToDepth(Tensor x, int factor) {
    return SpaceToDepth.spaceToDepth(x, factor);
  }

  /** {@code x [N, H, W, f·f·C] → [N, fH, fW, C]}. */
  public static Tensor depthToSpace(Tensor x, int factor) {
    return SpaceToDepth.depthToSpace(x, factor);
  }

  // ---- movement; negative axes count from the last

  /** The elements of x in another shape; one extent may be −1. Nothing is copied. */
  public static Tensor reshape(Tensor x, int... dims) {
    return Reshape.reshape(x, dims);
  }

  /** Another order of the axes: extent i is {@code x.dim(axes[i])}. */
  public static Tensor permute(Tensor x, int... axes) {
    return Permute.permute(x, axes);
  }

  /** Tensors that differ in one axis only → one with the extents added. */
  public static Tensor concat(int axis, Tensor... xs) {
    return Concat.concat(axis, xs);
  }

  /** Indices {@code start} to {@code start + length - 1} of an axis. */
  public static Tensor slice(Tensor x, int axis, int start, int length) {
    return Slice.slice(x, axis, start, length);
  }

  /** An axis cut into consecutive parts. */
  public static Tensor[] split(Tensor x, int axis, int... lengths) {
    return Slice.split(x, axis, lengths);
  }

  /** Zeros added before and after each axis. */
  public static Tensor pad(Tensor x, int[] before, int[] after) {
    return Pad.pad(x, before, after);
  }

  /** {@code table [V, D], indices [..] → [.., D]}: rows by index, i32 or i64. */
  public static Tensor gather(Tensor table, Tensor indices) {
    return Gather.gather(table, indices);
  }

  // ---- made of numbers, not of tensors

  /** f32 samples of the standard normal distribution; the same on every device. */
  public static Tensor normal(Device device, Shape shape, long seed, long stream) {
    return RandomNormal.normal(device, shape, seed, stream);
  }

  /** f32 samples uniform in (0, 1]; the same on every device. */
  public static Tensor uniform(Device device, Shape shape, long seed, long stream) {
    return RandomNormal.uniform(device, shape, seed, stream);
  }

  /** {@code t [N] → [N, dim]}: the sinusoidal embedding of timesteps. */
  public static Tensor sinusoids(
      Tensor t, int dim, boolean cosineFirst, double frequencyShift, double maxPeriod) {
    return Sinusoids.sinusoids(t, dim, cosineFirst, frequencyShift, maxPeriod);
  }
}
