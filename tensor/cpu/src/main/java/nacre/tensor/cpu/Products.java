package nacre.tensor.cpu;

import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * Matrix products, convolutions and attention, by the library. Types that it has no code for on
 * this CPU (f16, and bf16 before AVX-512) go through f32 copies, which costs a conversion and saves
 * the rounding inside. Plain Java serves where there is no library, or nothing to multiply.
 */
final class Products {
  private final MatrixEngine engine;
  private final Backend plain;
  private final Elementwise elementwise;
  private final ColumnConvolutions columns;
  private final AttentionKernel attention;

  /** {@code engine} is null where the library did not load. */
  Products(
      MatrixEngine engine,
      Backend plain,
      Elementwise elementwise,
      Broadcasting broadcasting,
      Team team,
      Allocator allocator) {
    this.engine = engine;
    this.plain = plain;
    this.elementwise = elementwise;
    this.columns = new ColumnConvolutions(team, engine, broadcasting);
    this.attention = new AttentionKernel(team, engine, allocator);
  }

  private interface Body {
    void run(Tensor[] in, Tensor[] out);
  }

  /** Runs the body on f32 copies of the operands, null among them, and converts what it wrote. */
  private void inF32(Tensor[] in, Tensor[] out, Body body) {
    try (Scope _ = Scope.open()) {
      Tensor[] wideIn = new Tensor[in.length];
      for (int i = 0; i < in.length; i++) {
        if (in[i] != null) {
          wideIn[i] = wide(in[i]);
          elementwise.cast(in[i], wideIn[i]);
        }
      }
      Tensor[] wideOut = new Tensor[out.length];
      for (int i = 0; i < out.length; i++) {
        wideOut[i] = out[i] == null ? null : wide(out[i]);
      }
      body.run(wideIn, wideOut);
      for (int i = 0; i < out.length; i++) {
        if (out[i] != null) {
          elementwise.cast(wideOut[i], out[i]);
        }
      }
    }
  }

  private static Tensor wide(Tensor t) {
    return Tensor.empty(t.device(), DType.F32, t.shape());
  }

  private static Tensor[] of(Tensor... tensors) {
    return tensors;
  }

  private boolean served(Tensor operand, Tensor result) {
    return engine != null && operand.elements() > 0 && result.elements() > 0;
  }

  void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y) {
    if (!served(a, y)) {
      plain.matmul(a, transposeA, b, transposeB, bias, f, y);
    } else if (!engine.supports(a.dtype())) {
      inF32(
          of(a, b, bias),
          of(y),
          (in, out) -> matmul(in[0], transposeA, in[1], transposeB, in[2], f, out[0]));
    } else if (f == null || engine.fuses(f)) {
      engine.matmul(a, transposeA, b, transposeB, bias, f, y);
    } else {
      engine.matmul(a, transposeA, b, transposeB, bias, null, y);
      elementwise.unary(f, y, y);
    }
  }

  /** Whether {@link #linear} serves: the library has all of it, the function included. */
  boolean fuses(Tensor x, Tensor y, Unary f) {
    return served(x, y) && engine.supports(x.dtype()) && (f == null || engine.fuses(f));
  }

  void linear(Tensor x, Tensor w, Tensor bias, Unary f, Tensor residual, Tensor y) {
    engine.linear(x, w, bias, f, residual == null ? null : Binary.ADD, residual, y);
  }

  /** The gate first; the other half of the product is multiplied by it before it is written. */
  void linearGeglu(Tensor x, Tensor w, Tensor bias, Tensor y) {
    int c = y.dim(-1);
    try (Scope _ = Scope.open()) {
      Tensor gate = y.like();
      Tensor biasA = bias == null ? null : bias.rows(0, c);
      Tensor biasG = bias == null ? null : bias.rows(c, 2 * c);
      engine.linear(x, w.rows(c, 2 * c), biasG, Unary.GELU, null, null, gate);
      engine.linear(x, w.rows(0, c), biasA, null, Binary.MULTIPLY, gate, y);
    }
  }

  void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db) {
    if (!served(x, dw)) {
      plain.linearWeightGradient(x, dy, dw, db);
    } else if (!engine.supports(x.dtype())) {
      inF32(
          of(x, dy),
          of(dw, db),
          (in, out) -> engine.linearWeightGradient(in[0], in[1], out[0], out[1]));
    } else {
      engine.linearWeightGradient(x, dy, dw, db);
    }
  }

  void conv2d(Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    if (!served(x, y)) {
      plain.conv2d(x, w, bias, residual, f, window, y);
    } else if (!engine.supports(x.dtype())) {
      inF32(
          of(x, w, bias, residual),
          of(y),
          (in, out) -> conv2d(in[0], in[1], in[2], in[3], f, window, out[0]));
    } else if (f == null || engine.fuses(f)) {
      if (columns.serves(y, w) && (f == null || residual == null)) {
        columns.forward(x, w, bias, residual, f, window, y);
      } else {
        engine.conv2d(x, w, bias, residual, f, window, y);
      }
    } else {
      engine.conv2d(x, w, bias, residual, null, window, y);
      elementwise.unary(f, y, y);
    }
  }

  void conv2dInputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    if (!served(dy, dx)) {
      plain.conv2dInputGradient(dy, w, window, dx);
    } else if (!engine.supports(dy.dtype())) {
      inF32(
          of(dy, w), of(dx), (in, out) -> engine.conv2dInputGradient(in[0], in[1], window, out[0]));
    } else if (columns.serves(dy, w)) {
      columns.inputGradient(dy, w, window, dx);
    } else {
      engine.conv2dInputGradient(dy, w, window, dx);
    }
  }

  void conv2dWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db) {
    if (!served(x, dy)) {
      plain.conv2dWeightGradient(x, dy, window, dw, db);
    } else if (!engine.supports(x.dtype())) {
      inF32(
          of(x, dy),
          of(dw, db),
          (in, out) -> engine.conv2dWeightGradient(in[0], in[1], window, out[0], out[1]));
    } else if (columns.serves(dy, dw)) {
      columns.weightGradient(x, dy, window, dw, db);
    } else {
      engine.conv2dWeightGradient(x, dy, window, dw, db);
    }
  }

  /** Nothing: the backward computes the probabilities again. */
  static Shape attentionState() {
    return Shape.of(0);
  }

  void attention(AttentionInputs in, Tensor y) {
    if (!served(in.q(), in.k())) {
      // Plain Java's backward wants a state: it is made when it comes to that.
      plain.attention(in, y, null);
    } else if (!engine.supports(in.q().dtype())) {
      inF32(
          of(in.q(), in.k(), in.v()),
          of(y),
          (wide, out) -> attention.forward(with(in, wide), out[0]));
    } else {
      attention.forward(in, y);
    }
  }

  void attentionBackward(AttentionInputs in, Tensor y, Tensor dy, AttentionGradients d) {
    Tensor q = in.q();
    if (!served(q, in.k())) {
      try (Scope _ = Scope.open()) {
        Shape shape = plain.attentionState(q.shape(), in.k().shape());
        Tensor own = Tensor.empty(q.device(), DType.F32, shape);
        plain.attention(in, y.like(), own);
        plain.attentionBackward(in, y, dy, own, d);
      }
    } else if (!engine.supports(q.dtype())) {
      inF32(
          of(q, in.k(), in.v(), dy),
          of(d.dq(), d.dk(), d.dv()),
          (wide, out) ->
              attention.backward(
                  with(in, wide), wide[3], new AttentionGradients(out[0], out[1], out[2])));
    } else {
      attention.backward(in, dy, d);
    }
  }

  private static AttentionInputs with(AttentionInputs in, Tensor[] qkv) {
    return new AttentionInputs(qkv[0], qkv[1], qkv[2], in.scale(), in.causal());
  }
}
