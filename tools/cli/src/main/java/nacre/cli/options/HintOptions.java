package nacre.cli.options;

import java.util.Optional;
import nacre.diffusion.checkpoint.Family;
import nacre.diffusion.checkpoint.ModelHints;
import nacre.diffusion.schedule.PredictionType;
import picocli.CommandLine.Option;

/** The options that say of a model of Stable Diffusion what its files may not tell. */
public final class HintOptions {
  @Option(
      names = "--family",
      paramLabel = "NAME",
      converter = FamilyOption.class,
      description = FamilyOption.DESCRIPTION)
  private Family family;

  @Option(
      names = "--prediction",
      paramLabel = "TYPE",
      converter = PredictionOption.class,
      description =
          "What the UNet predicts: epsilon, v_prediction or sample; what the model's files say"
              + " unless given.")
  private PredictionType prediction;

  /** What was said, for the library. */
  public ModelHints hints() {
    return new ModelHints(Optional.ofNullable(family), Optional.ofNullable(prediction));
  }
}
