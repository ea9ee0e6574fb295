package nacre.tensor.backend;

/**
 * The numbers of one AdamW step.
 *
 * @param learningRate lr
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param eps added to the root of the second moment
 * @param weightDecay decoupled decay, times the learning rate
 * @param maxNorm gradients are scaled by min(1, maxNorm / (norm + 1e-6)); infinite for no clipping
 * @param step counted from 1
 */
public record AdamWStep(
    double learningRate,
    double beta1,
    double beta2,
    double eps,
    double weightDecay,
    double maxNorm,
    int step) {}
