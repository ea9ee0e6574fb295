package nacre.tensor.spi;

/**
 * What is the same in every AdamW step.
 *
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param eps added to the root of the second moment
 * @param weightDecay decoupled decay, times the learning rate
 * @param maxNorm gradients are scaled by min(1, maxNorm / (norm + 1e-6)); infinite for no clipping
 * @param rateFactor times the learning rate
 * @param seed of the random bits by which moments and parameters in bf16 are rounded
 */
public record AdamWConstants(
    double beta1,
    double beta2,
    double eps,
    double weightDecay,
    double maxNorm,
    double rateFactor,
    long seed) {}
