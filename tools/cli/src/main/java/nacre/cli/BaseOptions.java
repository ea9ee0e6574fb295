package nacre.cli;

import java.nio.file.Path;
import java.util.Optional;
import nacre.cli.options.Accepts;
import nacre.cli.options.HintOptions;
import nacre.cli.options.UsageException;
import nacre.diffusion.checkpoint.ModelHints;
import nacre.neuralassets.model.PretrainedBase;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of {@code train} for the pretrained model that a run begins with. */
final class BaseOptions {
  @Option(
      names = "--base",
      paramLabel = "FOLDER|FILE",
      description =
          "Begin with UNet and autoencoder of Stable Diffusion 1.x or 2.x, in a folder of diffusers"
              + " or a single file; goes with the preset paper.")
  private Path base;

  @Mixin private HintOptions hints;

  @Option(
      names = "--lora",
      paramLabel = "RANK",
      description =
          "Train low-rank adapters of the base's UNet, of this rank, instead of its own weights,"
              + " which are frozen.")
  @Accepts(from = 1, to = 16_384)
  private Integer lora;

  /** The rank of the adapters, if one was given. */
  Optional<Integer> lora() {
    return Optional.ofNullable(lora);
  }

  /** The base, if one was given. */
  Optional<PretrainedBase.Location> location() {
    ModelHints said = hints.hints();
    if (base == null && !said.equals(ModelHints.NONE)) {
      throw new UsageException(
          (said.family().isPresent() ? "--family" : "--prediction")
              + " says what --base is; give that, too");
    }
    return Optional.ofNullable(base).map(path -> new PretrainedBase.Location(path, said));
  }
}
