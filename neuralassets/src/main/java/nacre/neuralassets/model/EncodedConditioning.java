package nacre.neuralassets.model;

import static nacre.tensor.ops.Concat.concat;

import java.util.List;
import nacre.tensor.Tensor;

/**
 * A {@link Conditioning} as the UNet takes it.
 *
 * @param tokens {@code [B, K (N + 1), C]}, see {@link NeuralAssets#tokens(Conditioning)}
 * @param source the source frames' samples {@code [B, s, s, c]}, which lie beside the noisy ones in
 *     the input of a UNet that sees them ({@link Preset.UnetInput#SOURCE}); null for others
 */
public record EncodedConditioning(Tensor tokens, Tensor source) {
  /** Several, which have a source or have none, one after the other, in the current scope. */
  public static EncodedConditioning concatenated(List<EncodedConditioning> parts) {
    boolean seen = parts.getFirst().source != null;
    return new EncodedConditioning(
        concat(0, parts.stream().map(EncodedConditioning::tokens).toArray(Tensor[]::new)),
        seen
            ? concat(0, parts.stream().map(EncodedConditioning::source).toArray(Tensor[]::new))
            : null);
  }
}
