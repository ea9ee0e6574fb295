package nacre.cli.options;

import java.nio.file.Path;

/**
 * The sampling options of {@code sample} that do not depend on the model.
 *
 * @param steps null for the model's own
 * @param guidance null for the model's own
 * @param seed of the noise of the first picture
 * @param images how many pictures of each kind, with seeds in a row
 * @param out folder for pictures
 * @param overwrite whether pictures of the same names are written over
 */
public record Sampling(
    Integer steps, Double guidance, Seed seed, int images, Path out, boolean overwrite) {}
