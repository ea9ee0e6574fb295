package nacre.tensor.spi;

import nacre.tensor.Tensor;

/**
 * The operands of group normalization.
 *
 * @param x [N, .., C]
 * @param gamma factors [C], of x's dtype
 * @param beta offsets [C], of x's dtype
 * @param groups how many groups the channels fall into
 * @param eps added to the variance
 * @param silu whether x · sigmoid(x) follows
 */
public record GroupNormInputs(
    Tensor x, Tensor gamma, Tensor beta, int groups, double eps, boolean silu) {}
