package nacre.diffusion.unet;

import nacre.diffusion.layers.ResnetBlock2D;
import nacre.tensor.Recompute;
import nacre.tensor.Tensor;

/**
 * A residual block and the attention that follows it.
 *
 * @param resnet the block
 * @param attention null where the level has none
 */
record Stage(ResnetBlock2D resnet, Transformer2D attention) {

  /** {@code x [N, H, W, in] → [N, H, W, out]}. */
  Tensor forward(Tensor x, Tensor time, Tensor context) {
    return Recompute.block(
        in -> {
          Tensor y = resnet.forward(in.get(0), in.get(1));
          return attention == null ? y : attention.forward(y, in.get(2));
        },
        x,
        time,
        context);
  }
}
