package nacre.tensor.spi;

import nacre.tensor.Tensor;

/**
 * The operands of scaled dot-product attention.
 *
 * @param q queries [N, T, H, D]
 * @param k keys [N, S, H, D]
 * @param v values [N, S, H, D]
 * @param scale factor of the scores
 * @param causal query t sees keys up to t only
 */
public record AttentionInputs(Tensor q, Tensor k, Tensor v, double scale, boolean causal) {}
