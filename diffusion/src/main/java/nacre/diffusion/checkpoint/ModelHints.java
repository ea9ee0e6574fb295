package nacre.diffusion.checkpoint;

import java.util.Optional;
import nacre.diffusion.schedule.PredictionType;

/**
 * What a user knows of a model better than its files say, and what goes before them.
 *
 * @param family the published model that a single file is, whose configs are then used
 * @param prediction what its UNet was trained to predict
 */
public record ModelHints(Optional<Family> family, Optional<PredictionType> prediction) {
  /** Nothing: the files are believed. */
  public static final ModelHints NONE = new ModelHints(Optional.empty(), Optional.empty());

  /** The family of a single file. */
  public static ModelHints of(Family family) {
    return new ModelHints(Optional.of(family), Optional.empty());
  }
}
