package nacre.nn;

import static nacre.tensor.ops.GatedLinear.geglu;

import nacre.tensor.Tensor;

/**
 * The feed-forward of a UNet's transformer block: a linear layer, GEGLU (Shazeer, 2020), a linear
 * layer, under diffusers' names {@code net.0.proj} and {@code net.2}.
 */
public final class FeedForward {
  private final Linear in;
  private final Linear out;

  /** Four times as wide inside. */
  public FeedForward(Parameters p, int width) {
    this(p, width, 4 * width);
  }

  /** {@code inner} wide inside. */
  public FeedForward(Parameters p, int width, int inner) {
    this.in = new Linear(p.at("net.0.proj"), width, 2 * inner);
    this.out = new Linear(p.at("net.2"), inner, width);
  }

  /** {@code x [.., width] → [.., width]}. */
  public Tensor forward(Tensor x) {
    return out.forward(geglu(in.forward(x)));
  }
}
