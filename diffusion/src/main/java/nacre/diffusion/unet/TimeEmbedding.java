package nacre.diffusion.unet;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import nacre.diffusion.layers.ResnetBlock2D;
import nacre.nn.StackedLinear;
import nacre.tensor.Tensor;

/**
 * The time embedding as residual blocks take it: after its SiLU, {@code [N, width]}, or, where all
 * samples share it, as the bias of each block's first convolution.
 *
 * @param embedded after its SiLU; of one row where there are biases
 * @param biases {@code [out]} of each block; empty where each projects the embedding itself
 */
record TimeEmbedding(Tensor embedded, Map<ResnetBlock2D, Tensor> biases) {
  /** What each block projects itself. */
  static TimeEmbedding of(Tensor embedded) {
    return new TimeEmbedding(embedded, Map.of());
  }

  /** One product for all blocks. */
  static TimeEmbedding shared(Tensor embedded, StackedLinear stack, List<ResnetBlock2D> blocks) {
    Map<ResnetBlock2D, Tensor> biases = new IdentityHashMap<>();
    List<Tensor> parts = stack.forward(embedded);
    for (int i = 0; i < parts.size(); i++) {
      biases.put(blocks.get(i), parts.get(i));
    }
    return new TimeEmbedding(embedded, biases);
  }

  /** Null where the block projects the embedding itself. */
  Tensor bias(ResnetBlock2D block) {
    return biases.get(block);
  }
}
