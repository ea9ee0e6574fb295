package nacre.cli.options;

import java.nio.file.Path;

/**
 * What {@code sample} is told of the sampling, whatever the model.
 *
 * @param steps null for the model's own
 * @param guidance null for the model's own
 * @param seed of the noise
 * @param out folder for pictures
 */
public record Sampling(Integer steps, Double guidance, long seed, Path out) {}
