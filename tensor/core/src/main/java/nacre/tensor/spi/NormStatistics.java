package nacre.tensor.spi;

import nacre.tensor.Tensor;

/**
 * What a normalization found out about its input, for its backward: f32, [N, groups] of a group
 * normalization and [rows] of a layer normalization.
 *
 * @param mean the means
 * @param rstd 1 / √(variance + eps)
 */
public record NormStatistics(Tensor mean, Tensor rstd) {}
