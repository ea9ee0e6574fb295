package nacre.tensor.spi;

import nacre.tensor.Tensor;

/**
 * The gradients of attention, each of the shape of its operand; written.
 *
 * @param dq of the queries
 * @param dk of the keys
 * @param dv of the values
 */
public record AttentionGradients(Tensor dq, Tensor dk, Tensor dv) {}
