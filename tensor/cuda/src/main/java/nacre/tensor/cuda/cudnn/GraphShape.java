package nacre.tensor.cuda.cudnn;

import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/** All that a plan depends on: the key under which it is kept in memory. */
sealed interface GraphShape {
  /** What operands are stored as. */
  DType dtype();

  /** Adds the operations, operands in the order in which they are named here. */
  void addTo(Graph g) throws CudnnException;

  /**
   * The best plan that cuDNN has for this, as it was kept, or made now.
   *
   * @throws CudnnException if no engine runs this, with the reason of the last that was tried
   */
  default Plan plan(Target target, Graph.Freedom freedom) throws CudnnException {
    try (Graph g = new Graph()) {
      addTo(g);
      return g.plan(target, dtype(), freedom);
    }
  }

  /**
   * The first plans that cuDNN has for this, as many as are wanted, to be timed; or the one that
   * was the fastest when they were.
   *
   * @throws CudnnException as {@link #plan}
   */
  default List<Plan> candidates(Target target, Graph.Freedom freedom, int most)
      throws CudnnException {
    try (Graph g = new Graph()) {
      addTo(g);
      return g.candidates(target, dtype(), freedom, most);
    }
  }

  /**
   * x, w, bias, residual, y: a convolution and what follows it.
   *
   * @param residual y's, or [N, 1, 1, O] for the same at every pixel; nullable, as is f
   */
  record Convolution(
      DType dtype, Shape x, Shape w, Shape y, Window window, boolean bias, Shape residual, Unary f)
      implements GraphShape {
    @Override
    public void addTo(Graph g) throws CudnnException {
      Graph.Edge in = image(g, dtype, x);
      Graph.Edge weight = image(g, dtype, w);
      Graph.Edge offset = bias ? image(g, dtype, Shape.of(1, 1, 1, y.dim(3))) : null;
      Graph.Edge other = residual == null ? null : image(g, dtype, residual);
      Graph.Edge out = image(g, dtype, y);
      int steps = (bias ? 1 : 0) + (residual == null ? 0 : 1) + (f == null ? 0 : 1);
      Graph.Edge at = steps == 0 ? out : g.between(out);
      g.convolution(Graph.Direction.FORWARD, in, weight, at, window);
      if (residual != null) {
        // Before the bias: cuDNN's precompiled engines know this order and no other.
        Graph.Edge next = --steps == 0 ? out : g.between(out);
        g.apply(Binary.ADD, at, other, next);
        at = next;
      }
      if (bias) {
        Graph.Edge next = --steps == 0 ? out : g.between(out);
        g.apply(Binary.ADD, at, offset, next);
        at = next;
      }
      if (f != null) {
        g.apply(f, at, out);
      }
    }
  }

  /** x, w, y, of which the direction says which is written. */
  record ConvolutionGradient(
      Graph.Direction direction, DType dtype, Shape x, Shape w, Shape y, Window window)
      implements GraphShape {
    @Override
    public void addTo(Graph g) throws CudnnException {
      g.convolution(direction, image(g, dtype, x), image(g, dtype, w), image(g, dtype, y), window);
    }
  }

  /** q, k, v, the scale, y, and the logarithms of the denominators if they are wanted. */
  record Attention(DType dtype, Shape q, Shape k, boolean state) implements GraphShape {
    @Override
    public void addTo(Graph g) throws CudnnException {
      refuse(dtype, q);
      Graph.Edge query = tokens(g, dtype, q);
      Graph.Edge key = tokens(g, dtype, k);
      Graph.Edge value = tokens(g, dtype, k);
      Graph.Edge scale = g.scalar(4);
      Graph.Edge out = tokens(g, dtype, q);
      g.attention(query, key, value, scale, out, state ? logarithms(g, q) : null);
    }
  }

  /**
   * The operands of {@link Attention}, and what it computes, by the operations that it is made of,
   * in the order in which cuDNN's own front end names them. Versions and GPUs that refuse attention
   * as one operation know it in this form.
   */
  record ComposedAttention(DType dtype, Shape q, Shape k, boolean state) implements GraphShape {
    @Override
    public void addTo(Graph g) throws CudnnException {
      refuse(dtype, q);
      Graph.Edge query = tokens(g, dtype, q);
      Graph.Edge keyT = transposedTokens(g, dtype, k);
      Graph.Edge value = tokens(g, dtype, k);
      Graph.Edge scale = g.scalar(4);
      Graph.Edge out = tokens(g, dtype, q);
      // cuDNN does not know the graph without them, wanted or not.
      Graph.Edge logarithms = state ? logarithms(g, q) : eachQuery(g, q);

      Graph.Edge scores = scores(g, DType.F32, q, k);
      g.product(query, keyT, scores);
      Graph.Edge scaled = g.apply(Binary.MULTIPLY, scores, scale);
      Graph.Edge largest = eachQuery(g, q);
      g.largest(scaled, largest);
      Graph.Edge e = g.apply(Unary.EXP, g.apply(Binary.SUBTRACT, scaled, largest));
      Graph.Edge sums = eachQuery(g, q);
      g.sum(e, sums);
      g.apply(Binary.ADD, largest, g.apply(Unary.LOG, sums), logarithms);
      Graph.Edge p = scores(g, dtype, q, k);
      g.apply(Binary.DIVIDE, e, sums, p);
      g.product(p, value, out);
    }
  }

  /**
   * q, k, v, the scale, y, dy, the logarithms, dq, dk, dv, and a one. cuDNN knows attention's
   * gradient by the operations that it is made of, in the order in which its own front end names
   * them; the factor of one stands where dropout would be.
   */
  record AttentionGradient(DType dtype, Shape q, Shape k) implements GraphShape {
    @Override
    public void addTo(Graph g) throws CudnnException {
      refuse(dtype, q);
      if (q.dim(1) == 1 && k.dim(1) == 1) {
        // It makes a plan of this, but its own front end says that it is not supported.
        throw new CudnnException("the gradient of attention of one query to one key");
      }
      Graph.Edge query = tokens(g, dtype, q);
      Graph.Edge keyT = transposedTokens(g, dtype, k);
      Graph.Edge valueT = transposedTokens(g, dtype, k);
      Graph.Edge scale = g.scalar(4);
      Graph.Edge out = tokens(g, dtype, q);
      Graph.Edge dout = tokens(g, dtype, q);
      Graph.Edge logarithms = logarithms(g, q);
      Graph.Edge dquery = tokens(g, dtype, q);
      Graph.Edge dkey = tokens(g, dtype, k);
      Graph.Edge dvalue = tokens(g, dtype, k);
      Graph.Edge one = g.scalar(4);

      // weighted = Σ y · dy of each query
      Graph.Edge products = g.apply(Binary.MULTIPLY, dout, out);
      Graph.Edge sums = g.between(logarithms);
      g.sum(products, sums);
      Graph.Edge weighted = g.scratch(logarithms);
      g.apply(Binary.MULTIPLY, sums, one, weighted);

      // p = exp(scale · q kᵀ − logarithms), dv = pᵀ dy
      Graph.Edge scores = scores(g, DType.F32, q, k);
      g.product(query, keyT, scores);
      Graph.Edge scaled = g.apply(Binary.MULTIPLY, scores, scale);
      Graph.Edge shifted = g.apply(Binary.SUBTRACT, scaled, logarithms);
      Graph.Edge p = g.between(scores);
      g.apply(Unary.EXP, shifted, p);
      g.product(g.transpose(dtype, p), dout, dvalue);

      // ds = scale · p · (dy vᵀ − weighted), dk = dsᵀ q, dq = ds k
      Graph.Edge dp = scores(g, DType.F32, q, k);
      g.product(dout, valueT, dp);
      Graph.Edge centered = g.apply(Binary.SUBTRACT, dp, weighted);
      Graph.Edge unscaled = g.apply(Binary.MULTIPLY, centered, p);
      Graph.Edge ds = g.apply(Binary.MULTIPLY, unscaled, scale);
      g.product(g.transpose(dtype, ds), query, dkey);
      g.product(ds, g.transpose(dtype, keyT), dquery);
    }
  }

  /** Attention's engines take 16-bit operands and heads of a multiple of 8. */
  private static void refuse(DType dtype, Shape q) throws CudnnException {
    if (dtype == DType.F32 || q.dim(3) % 8 != 0) {
      throw new CudnnException("attention of " + dtype + " with heads of " + q.dim(3));
    }
  }

  /** Images [n, h, w, c] or weights [o, kh, kw, i], which cuDNN counts as [n, c, h, w]. */
  private static Graph.Edge image(Graph g, DType dtype, Shape s) throws CudnnException {
    long h = s.dim(1);
    long w = s.dim(2);
    long c = s.dim(3);
    return g.operand(dtype, new long[] {s.dim(0), c, h, w}, new long[] {h * w * c, 1, w * c, c});
  }

  /** Tokens [n, t, h, d], which cuDNN counts as [n, h, t, d]. */
  private static Graph.Edge tokens(Graph g, DType dtype, Shape s) throws CudnnException {
    long t = s.dim(1);
    long h = s.dim(2);
    long d = s.dim(3);
    return g.operand(dtype, new long[] {s.dim(0), h, t, d}, new long[] {t * h * d, d, h * d, 1});
  }

  /** The same tokens, counted as [n, h, d, t]. */
  private static Graph.Edge transposedTokens(Graph g, DType dtype, Shape s) throws CudnnException {
    long t = s.dim(1);
    long h = s.dim(2);
    long d = s.dim(3);
    return g.operand(dtype, new long[] {s.dim(0), h, d, t}, new long[] {t * h * d, d, 1, h * d});
  }

  private static Graph.Edge logarithms(Graph g, Shape q) throws CudnnException {
    long t = q.dim(1);
    long h = q.dim(2);
    return g.operand(DType.F32, new long[] {q.dim(0), h, t, 1}, new long[] {h * t, t, 1, 1});
  }

  private static Graph.Edge eachQuery(Graph g, Shape q) throws CudnnException {
    long t = q.dim(1);
    long h = q.dim(2);
    return g.between(DType.F32, new long[] {q.dim(0), h, t, 1}, new long[] {h * t, t, 1, 1});
  }

  /** [n, h, t, s], between operations. */
  private static Graph.Edge scores(Graph g, DType dtype, Shape q, Shape k) throws CudnnException {
    long t = q.dim(1);
    long s = k.dim(1);
    long h = q.dim(2);
    return g.between(dtype, new long[] {q.dim(0), h, t, s}, new long[] {h * t * s, t * s, s, 1});
  }
}
