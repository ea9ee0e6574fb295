package nacre.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.options.Sampling;
import nacre.cli.options.Seed;
import nacre.cli.options.UsageException;
import nacre.cli.texttoimage.TextToImage;
import nacre.diffusion.NotFiniteException;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code nacre sample}: draws pictures with either kind of model. */
@Command(
    name = "sample",
    description = {
      "Draw pictures: edited scenes with a Neural Assets model, prompts with Stable Diffusion.",
      "",
      "Edits of scenes are:",
      "  translate OBJECT DX DY DZ     in world units",
      "  rotate OBJECT DEGREES [AX AY AZ]",
      "  resize OBJECT FACTOR",
      "  remove OBJECT",
      "  duplicate OBJECT NAME",
      "  replace OBJECT SCENE:OBJECT   SCENE is a number, a folder or",
      "                                DATA~NUMBER with --data's DATA",
      "  background SCENE",
      "  camera RIGHT UP AHEAD [LEFT RAISED]  in world units and degrees",
      "Several in one picture are separated by semicolons. Without one every kind is shown, a row",
      "for each scene.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class SampleCommand implements Callable<Integer> {
  @Mixin private ModelChoice choice;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Steps of sampling; the preset's unless given, 25 of Stable Diffusion.")
  @Accepts(from = 1)
  private Integer steps;

  @Option(
      names = "--guidance",
      paramLabel = "X",
      description =
          "Scale of guidance, 1 for none; the preset's unless given, 7.5 of Stable Diffusion.")
  @Accepts(from = 0, to = 1000)
  private Double guidance;

  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = Seed.Converter.class,
      description = "Seed of the noise, a number of 64 bits, signed or not; 0 unless given.")
  private Seed seed = Seed.ZERO;

  @Option(
      names = "--images",
      paramLabel = "N",
      description =
          "How many pictures, or sheet rows for each scene; the seeds of the next are one higher"
              + " each. 1 unless given.")
  @Accepts(from = 1, to = 1_000_000)
  private int images = 1;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      defaultValue = "out",
      description = "Where the pictures go; out unless given.")
  private Path out;

  @Option(
      names = "--overwrite",
      description =
          "Write over other pictures of the same names; without it a new one gets the next number.")
  private boolean overwrite;

  @ArgGroup(validate = false, heading = "%nOf Neural Assets:%n")
  private SceneSampling scenes;

  @ArgGroup(validate = false, heading = "%nOf Stable Diffusion:%n")
  private TextToImage prompts;

  @Override
  public Integer call() throws IOException {
    Sampling sampling = new Sampling(steps, guidance, seed, images, out, overwrite);
    seed.plus(images - 1);
    Optional<Path> pipeline = choice.stableDiffusion();
    if (pipeline.isPresent()) {
      refuse(scenes, pipeline.get() + " is Stable Diffusion, which knows no scenes; give --prompt");
      TextToImage asked = prompts == null ? new TextToImage() : prompts;
      asked.run(pipeline.get(), choice.device(), sampling);
    } else {
      Path model = choice.folder();
      refuse(
          prompts,
          model + " takes no prompts; a Stable Diffusion folder does: give one with --model");
      SceneSampling asked = scenes == null ? new SceneSampling() : scenes;
      try {
        asked.run(model, choice.device(), sampling);
      } catch (NotFiniteException e) {
        throw ModelChoice.damaged(model, e);
      }
    }
    choice.explain(System.out::println);
    return 0;
  }

  /** Options of the other kind of model would be ignored. */
  private static void refuse(Object options, String reason) {
    if (options != null) {
      throw new UsageException(reason);
    }
  }
}
