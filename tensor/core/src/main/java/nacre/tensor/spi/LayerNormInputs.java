package nacre.tensor.spi;

import nacre.tensor.Tensor;

/**
 * The operands of layer normalization.
 *
 * @param x [.., C]
 * @param gamma factors [C], of x's dtype
 * @param beta offsets [C], of x's dtype
 * @param eps added to the variance
 */
public record LayerNormInputs(Tensor x, Tensor gamma, Tensor beta, double eps) {}
