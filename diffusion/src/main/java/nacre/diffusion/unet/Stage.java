package nacre.diffusion.unet;

import nacre.diffusion.layers.ResnetBlock2D;
import nacre.tensor.Scope;
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
    return Scope.tidy(
        () -> {
          Tensor y = resnet.forward(x, time);
          return attention == null ? y : attention.forward(y, context);
        });
  }
}
