package nacre.nn;

import static nacre.nn.MixedPrecision.match;
import static nacre.tensor.ops.Activation.activation;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Linear.linear;

import java.util.Arrays;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Geglu;
import nacre.tensor.ops.LinearGeglu;
import nacre.tensor.spi.Unary;

/**
 * A linear layer, y = x · weightᵀ + bias, {@code [.., in] → [.., out]}. Parameters {@code weight
 * [out, in]} and {@code bias [out]}, and those of a low-rank adapter beside them where one is
 * wanted ({@link Parameters#adapted}). As every layer, it computes in its input's dtype, and casts
 * parameters stored in another.
 */
public final class Linear implements Layer {
  private final Tensor weight;
  private final Tensor bias;
  private final LowRank adapter;

  /** With bias, initialized as PyTorch does. */
  public Linear(Parameters p, int in, int out) {
    this(p, in, out, true);
  }

  /** Initialized as PyTorch does. */
  public Linear(Parameters p, int in, int out, boolean bias) {
    this(p, in, out, Initializer.kaimingUniform(), bias ? Initializer.bias(in) : null);
  }

  /**
   * With initializers of the caller's choice.
   *
   * @param bias null for no bias
   */
  public Linear(Parameters p, int in, int out, Initializer weight, Initializer bias) {
    Sizes.of("Linear", p).positive("in", in).positive("out", out);
    this.weight = p.parameter("weight", Shape.of(out, in), weight);
    this.bias = bias == null ? null : p.parameter("bias", Shape.of(out), bias);
    this.adapter = p.adapter(rank -> Shape.of(rank, in), rank -> Shape.of(out, rank));
  }

  /** {@code x [.., in] → [.., out]}. */
  @Override
  public Tensor forward(Tensor x) {
    return forward(x, null);
  }

  /**
   * f(linear(x)) in one pass.
   *
   * @param f nullable
   */
  public Tensor forward(Tensor x, Unary f) {
    if (adapter == null) {
      return linear(x, match(weight, x), match(bias, x), f);
    }
    return f == null ? forwardAdd(x, null) : Scope.tidy(() -> activation(f, forwardAdd(x, null)));
  }

  /**
   * linear(x) + residual in one pass.
   *
   * @param residual {@code [.., out]}, nullable
   */
  public Tensor forwardAdd(Tensor x, Tensor residual) {
    if (adapter == null) {
      return linear(x, match(weight, x), match(bias, x), null, residual);
    }
    return Scope.tidy(
        () -> linear(x, match(weight, x), match(bias, x), null, adapter.linear(x, residual)));
  }

  boolean hasBias() {
    return bias != null;
  }

  Tensor weight() {
    return weight;
  }

  /** The bias of a layer that is neither adapted nor trained; else null. */
  Tensor constantBias() {
    return adapter != null || weight.tracked() ? null : bias;
  }

  /**
   * The weights of several layers of one input below each other, {@code [Σ out, in]} in the dtype
   * of {@code like}, so that one product serves all; null where adapters change a layer, or where
   * its weight is trained.
   */
  static Tensor below(Tensor like, Linear... layers) {
    for (Linear layer : layers) {
      if (layer.adapter != null || layer.weight.tracked()) {
        return null;
      }
    }
    return Scope.tidy(
        () ->
            cast(
                concat(0, Arrays.stream(layers).map(l -> l.weight).toArray(Tensor[]::new)),
                like.dtype()));
  }

  /** geglu(linear(x)) in one pass, {@code [.., in] → [.., out/2]}. */
  Tensor forwardGeglu(Tensor x) {
    return adapter == null
        ? LinearGeglu.geglu(x, match(weight, x), match(bias, x))
        : Scope.tidy(() -> Geglu.geglu(forward(x)));
  }
}
