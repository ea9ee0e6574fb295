package nacre.nn;

import nacre.tensor.Tensor;

/**
 * The feed-forward of a UNet's transformer block: a linear layer, GEGLU (Shazeer, 2020), a linear
 * layer, under diffusers' names {@code net.0.proj} and {@code net.2}.
 */
public final class FeedForward implements Layer {
  private final Linear in;
  private final Linear out;

  /** A feed-forward whose inner width is four times {@code width}. */
  public FeedForward(Parameters p, int width) {
    this(p, width, Sizes.of("FeedForward", p).product("factor", 4, "width", width));
  }

  /** A feed-forward with the inner width {@code inner}. */
  public FeedForward(Parameters p, int width, int inner) {
    int both = Sizes.of("FeedForward", p).product("halves", 2, "inner", inner);
    this.in = new Linear(p.at("net.0.proj"), width, both);
    this.out = new Linear(p.at("net.2"), inner, width);
  }

  /** {@code x [.., width] → [.., width]}. */
  @Override
  public Tensor forward(Tensor x) {
    return forward(x, null);
  }

  /**
   * As {@link #forward(Tensor)}, plus a residual of x's shape in the same pass.
   *
   * @param residual nullable
   */
  public Tensor forward(Tensor x, Tensor residual) {
    return out.forwardAdd(in.forwardGeglu(x), residual);
  }
}
