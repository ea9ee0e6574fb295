package nacre.tensor.spi;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import nacre.tensor.Range;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * What a device must be able to compute. Destinations are passed in, of the right shape, and every
 * element of them is written; shapes are checked by the callers in {@code nacre.tensor.ops}. Unless
 * said otherwise floating tensors of one call share a dtype, accumulation is in f32, and
 * elementwise methods allow the destination to be one of the sources. Nullable arguments are marked
 * so.
 */
public interface Backend {

  /** One line for the start of a run: which engine serves, its version, its threads. */
  String describe();

  /** Which engine served which operation so far, one a line; none where no account is kept. */
  default List<String> explain() {
    return List.of();
  }

  /**
   * How many kernels, products of libraries and copies were put on the device so far, one by one:
   * what costs the host time. A graph's replay adds nothing. 0 where the device does not count.
   */
  default long launches() {
    return 0;
  }

  /** Names what follows on this thread to the device's profiler, if there is one. */
  default Range range(String name) {
    return Range.NONE;
  }

  /**
   * Makes work ready that will be done again and again on the same tensors, as {@link
   * nacre.tensor.CapturedStep} tells. Here it is computed as ever each time.
   */
  default StepGraph stepGraph(Runnable work) {
    return work::run;
  }

  /**
   * What ranks exchange tensors of this device with; called by all of them together. Empty where
   * the device has nothing of its own, and its tensors go by way of the host.
   *
   * @param ranks with whom
   */
  default Optional<Collectives> collectives(Rendezvous ranks) {
    return Optional.empty();
  }

  // ---- memory

  /** The device's memory. */
  Allocator allocator();

  /** Copies host bytes to a tensor of as many bytes. */
  void upload(MemorySegment source, Tensor destination);

  /** Copies a tensor to host bytes. */
  void download(Tensor source, MemorySegment destination);

  /** Sets every bit of the tensor. */
  void poison(Tensor y);

  /** y = value. Any dtype. */
  void fill(Tensor y, double value);

  /**
   * y = x converted to y's dtype, rounding to nearest even. Any dtypes, as many elements. What is
   * below 2⁻¹²⁶ may become zero in bf16.
   */
  void cast(Tensor x, Tensor y);

  /** Uniform in (0, 1]: element i is a function of seed, stream and i alone. y f32. */
  void uniform(long seed, long stream, Tensor y);

  /** Standard normal by Box–Muller on Philox 4×32-10: a function of seed, stream, i. y f32. */
  void normal(long seed, long stream, Tensor y);

  /**
   * Begins to copy a tensor to the host, behind all work so far, and does not wait for it: for the
   * few numbers that a step reports.
   *
   * @param source f32
   */
  default Readback readLater(Tensor source) {
    float[] now = new float[Math.toIntExact(source.elements())];
    download(source, MemorySegment.ofArray(now));
    return new Readback() {
      @Override
      public boolean isDone() {
        return true;
      }

      @Override
      public float[] floats() {
        return now.clone();
      }
    };
  }

  // ---- elementwise

  /** y = f(x). */
  void unary(Unary f, Tensor x, Tensor y);

  /** dx = f′(x) · dy. */
  void unaryBackward(Unary f, Tensor x, Tensor dy, Tensor dx);

  /** y = f(a, b), where a and b broadcast to y's shape, aligned at the last axis. */
  void binary(Binary f, Tensor a, Tensor b, Tensor y);

  /** y = scale · x + shift. */
  void affine(Tensor x, double scale, double shift, Tensor y);

  /** y = a · scaleA + b · scaleB, of one shape. */
  void mix(Tensor a, double scaleA, Tensor b, double scaleB, Tensor y);

  /**
   * y = a where the mask is not zero, else b; all of one shape.
   *
   * @param mask u8, or of y's dtype
   * @param a nullable: zeros, as is b
   */
  void select(Tensor mask, Tensor a, Tensor b, Tensor y);

  /**
   * y = x / (1 − p) where {@link #uniform} of the seed, the stream and the element's number is
   * above p, rounded to f32; else zero.
   */
  void dropout(Tensor x, double p, long seed, long stream, Tensor y);

  /** y [.., C] from x [.., 2C]: x[.., :C] · gelu(x[.., C:]), erf. */
  void geglu(Tensor x, Tensor y);

  /** dx [.., 2C] of {@link #geglu}. */
  void gegluBackward(Tensor x, Tensor dy, Tensor dx);

  // ---- reductions

  /**
   * Reduces x to y, whose shape broadcasts to x's (aligned at the last axis): axes where y has
   * extent 1 or none are reduced.
   */
  void reduce(Reduction r, Tensor x, Tensor y);

  /** y [..], i32, = where the largest of x [.., C] stands; the first of equals, NaN above all. */
  void argmax(Tensor x, Tensor y);

  /** y, f32 scalar, = mean (a − b)². */
  void meanSquaredError(Tensor a, Tensor b, Tensor y);

  /** da = 2 (a − b) / n · dy, with dy an f32 scalar. */
  void meanSquaredErrorBackward(Tensor a, Tensor b, Tensor dy, Tensor da);

  /**
   * y, f32 scalar, = mean over the rows of −log softmax(logits)[target].
   *
   * @param logits [.., C]
   * @param targets [..], i32 or i64, each in 0 to C − 1
   */
  void crossEntropy(Tensor logits, Tensor targets, Tensor y);

  /** dx = (softmax(logits) − one at the target) / rows · dy, with dy an f32 scalar. */
  void crossEntropyBackward(Tensor logits, Tensor targets, Tensor dy, Tensor dx);

  // ---- matrix products

  /**
   * y [.., M, N] = f(a [.., M, K] · b [.., K, N] + bias [N]). Leading axes are equal, or b has rank
   * 2 and serves all. With transposeA the stored a is [.., K, M], with transposeB b is [.., N, K].
   *
   * @param bias nullable
   * @param f nullable, applied after the bias
   */
  void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y);

  /**
   * y [.., O] = f(x [.., I] · w [O, I]ᵀ + bias [O]) + residual.
   *
   * @param bias nullable
   * @param f nullable
   * @param residual of y's shape, nullable
   */
  default void linear(Tensor x, Tensor w, Tensor bias, Unary f, Tensor residual, Tensor y) {
    try (Scope _ = Scope.open()) {
      Tensor rows =
          x.view(Shape.of(x.shape().folded("linear", 0, x.shape().rank() - 1), x.dim(-1)));
      matmul(rows, false, w, true, bias, f, y.view(Shape.of(rows.dim(0), y.dim(-1))));
    }
    if (residual != null) {
      binary(Binary.ADD, y, residual, y);
    }
  }

  /**
   * y [count, .., O] = x [.., I] · w [count, O, I] transposed: several linear maps of one input.
   * Default: one after the other.
   */
  default void linears(Tensor x, Tensor w, Tensor y) {
    try (Scope _ = Scope.open()) {
      for (int i = 0; i < w.dim(0); i++) {
        Tensor part = y.rows(i, i + 1);
        linear(
            x,
            w.rows(i, i + 1).view(Shape.of(w.dim(1), w.dim(2))),
            null,
            null,
            null,
            part.view(x.shape().with(-1, w.dim(1))));
      }
    }
  }

  /**
   * y [.., C] = a · gelu(g), where x [.., I] · w [2C, I]ᵀ + bias [2C] = (a [.., C], g [.., C]);
   * {@link #geglu} of a linear map.
   *
   * @param bias nullable
   */
  default void linearGeglu(Tensor x, Tensor w, Tensor bias, Tensor y) {
    try (Scope _ = Scope.open()) {
      Tensor z = y.like(y.shape().with(-1, w.dim(0)));
      linear(x, w, bias, null, null, z);
      geglu(z, y);
    }
  }

  /**
   * dw [O, I] = dyᵀ · x and db [O] = column sums of dy, with x [.., I] and dy [.., O].
   *
   * @param db nullable
   */
  void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db);

  // ---- convolution

  /**
   * y [N, OH, OW, O] = f(x [N, H, W, I] ∗ w [O, KH, KW, I] + bias [O] + residual).
   *
   * @param bias nullable
   * @param residual of y's shape, or [N, 1, 1, O] for the same at every pixel; nullable
   * @param f nullable
   */
  void conv2d(Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y);

  /** dx [N, H, W, I] of {@link #conv2d} without f. */
  void conv2dInputGradient(Tensor dy, Tensor w, Window window, Tensor dx);

  /**
   * dw [O, KH, KW, I] and db [O] of {@link #conv2d} without f.
   *
   * @param db nullable
   */
  void conv2dWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db);

  /**
   * y [N, 2H, 2W, O] = x [N, H, W, I], each pixel repeated 2 × 2 times, ∗ w [O, 3, 3, I] + bias
   * [O], with one row and column of zeros around.
   *
   * @param bias nullable
   */
  default void upsampleConv2d(Tensor x, Tensor w, Tensor bias, Tensor y) {
    try (Scope _ = Scope.open()) {
      Tensor large = x.like(Shape.of(x.dim(0), 2 * x.dim(1), 2 * x.dim(2), x.dim(3)));
      upsampleNearest(x, 2, large);
      conv2d(large, w, bias, null, null, Window.of(1, 1), y);
    }
  }

  // ---- attention

  /** Shape of the f32 state that {@link #attention} leaves for its backward. */
  Shape attentionState(Shape q, Shape k);

  /**
   * y [N, T, H, D] = softmax(scale · q kᵀ) v per batch entry and head.
   *
   * @param state nullable when no backward follows
   */
  void attention(AttentionInputs in, Tensor y, Tensor state);

  /** Gradients of {@link #attention} from its output and state. */
  void attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out);

  /** y = softmax of x over the last axis. */
  void softmax(Tensor x, Tensor y);

  /** dx = y · (dy − Σ dy · y) over the last axis. */
  void softmaxBackward(Tensor y, Tensor dy, Tensor dx);

  // ---- normalization

  /**
   * y = (x − mean) · rstd · gamma + beta, then SiLU if asked, over groups of channels of x [N, ..,
   * C].
   *
   * @param statistics written
   */
  void groupNorm(GroupNormInputs in, Tensor y, NormStatistics statistics);

  /** The statistics of {@link #groupNorm} alone. */
  void groupNormStatistics(Tensor x, int groups, double eps, NormStatistics statistics);

  /** {@link #groupNorm} by statistics that are given. */
  void groupNormApply(GroupNormInputs in, NormStatistics statistics, Tensor y);

  /** Gradients of {@link #groupNorm} from its statistics. */
  void groupNormBackward(
      GroupNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out);

  /**
   * y = (x − mean) · rstd · gamma + beta over the last axis of x [.., C].
   *
   * @param statistics written
   */
  void layerNorm(LayerNormInputs in, Tensor y, NormStatistics statistics);

  /** Gradients of {@link #layerNorm} from its statistics; beta is not read. */
  void layerNormBackward(
      LayerNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out);

  // ---- movement

  /** y = the box of y's shape that begins at {@code starts} in x. Any dtype. */
  void slice(Tensor x, int[] starts, Tensor y);

  /** Writes x into y at {@code starts}; the rest of y stays as it is. Any dtype. */
  void place(Tensor x, int[] starts, Tensor y);

  /** y = x with axes in the order {@code axes}: y.dim(i) = x.dim(axes[i]). Any dtype. */
  void permute(Tensor x, int[] axes, Tensor y);

  /** y [.., D] = rows of table [V, D] at indices (i32 or i64). */
  void gather(Tensor table, Tensor indices, Tensor y);

  /** dtable [V, D] = sums of the rows of dy at their indices; rows not named become zero. */
  void gatherBackward(Tensor indices, Tensor dy, Tensor dtable);

  // ---- resampling

  /** y [N, fH, fW, C]: each pixel of x [N, H, W, C] repeated f × f times. */
  void upsampleNearest(Tensor x, int factor, Tensor y);

  /** dx of {@link #upsampleNearest}: sums over the f × f copies. */
  void upsampleNearestBackward(Tensor dy, int factor, Tensor dx);

  /** y [N, OH, OW, C]: mean of each f × f block of x [N, f·OH, f·OW, C]. */
  void averagePool(Tensor x, int factor, Tensor y);

  /** dx of {@link #averagePool}. */
  void averagePoolBackward(Tensor dy, int factor, Tensor dx);

  /**
   * y [N, OH, OW, C] = the largest or the mean of what each kernel × kernel window has of x [N, H,
   * W, C]; what lies beyond the image's borders does not count. No window is empty. A window with
   * something that is not a number has no largest number, either.
   *
   * @param r MAX or MEAN
   */
  void pool(Reduction r, Tensor x, int kernel, Window window, Tensor y);

  /**
   * dx of {@link #pool}: of the mean in equal shares, of the largest to the first of them in the
   * window, row by row.
   *
   * @param x not read, and nullable, for MEAN
   */
  void poolBackward(Reduction r, Tensor x, int kernel, Window window, Tensor dy, Tensor dx);

  /**
   * y [N, R, OH, OW, C]: the boxes of x [N, H, W, C] resampled by an antialiased triangle filter.
   * Box (y0, x0, y1, x1) in units of the image; (0, 0, 1, 1) is the whole of it, and then this is
   * an antialiased bilinear resize.
   *
   * <p>Per axis, with input extent n, output extent o and box [a, b]: len = max(b − a, 1e-6), inv =
   * len · n / o, ks = max(inv, 1), s_j = (j + ½) · inv + a · n − ½, weight_ij = max(0, 1 − |s_j −
   * i| / ks), normalized over i, and zero for all i where s_j lies outside [−½, n − ½].
   *
   * @param boxes f32 [N, R, 4]
   */
  void cropResize(Tensor x, Tensor boxes, Tensor y);

  /** dx of {@link #cropResize}; the boxes have no gradient. */
  void cropResizeBackward(Tensor dy, Tensor boxes, Tensor dx);

  /**
   * y [N, dim], sinusoids of timesteps t [N] (f32): frequencies maxPeriod^(−i / (dim/2 −
   * frequencyShift)).
   *
   * @param cosineFirst cosines in the first half ({@code flip_sin_to_cos})
   */
  void sinusoids(Tensor t, boolean cosineFirst, double frequencyShift, double maxPeriod, Tensor y);

  // ---- optimization

  /** The {@link #cast} of each x to its y, where all x are of one dtype and all y of another. */
  default void castAll(List<Tensor> x, List<Tensor> y) {
    for (int i = 0; i < x.size(); i++) {
      cast(x.get(i), y.get(i));
    }
  }

  /** y, f32 scalar, = Σ over all tensors of Σ x². */
  void sumOfSquares(List<Tensor> tensors, Tensor y);

  /**
   * One AdamW step on every parameter: its count of steps n becomes one higher; g = gradient ·
   * min(1, maxNorm / (√squaredNorm + 1e-6)); m and v updated in place; p = p − lr · decay · p − lr
   * · m̂ / (√v̂ + eps), with m̂ = m / (1 − beta1ⁿ), v̂ = v / (1 − beta2ⁿ) and lr = learningRate ·
   * rateFactor. Moments in fewer bits are widened, moved in f32 and rounded again, and the
   * parameter is updated by those that were not rounded yet. Parameters in bf16 are widened, their
   * compensation added, if they have one, moved in f32 and rounded again. Then averages, if there
   * are any, move as by {@link #lerp}. What changes from step to step is read on the device, so
   * that a step needs no round trip to the host and can be repeated as it is.
   *
   * @param squaredNorm f32 scalar from {@link #sumOfSquares} over all gradients; null for no
   *     clipping
   * @param learningRate f32 scalar
   */
  void adamW(
      AdamWTensors tensors, Tensor squaredNorm, Tensor learningRate, AdamWConstants constants);

  /**
   * y += weight · (x − y) for each pair, with an f32 scalar for the weight: moving averages.
   *
   * @param y f32
   * @param x all f32, or all bf16
   */
  void lerp(List<Tensor> y, List<Tensor> x, Tensor weight);
}
