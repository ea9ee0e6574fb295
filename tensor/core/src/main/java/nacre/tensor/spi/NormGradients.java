package nacre.tensor.spi;

import nacre.tensor.Tensor;

/**
 * The gradients of a normalization, each of the shape and dtype of its operand; written.
 *
 * @param dx of the input
 * @param dgamma of the factors
 * @param dbeta of the offsets
 */
public record NormGradients(Tensor dx, Tensor dgamma, Tensor dbeta) {}
