package nacre.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import nacre.cli.options.PresetName;
import nacre.cli.options.UserException;
import nacre.neuralassets.encoder.PretrainedEncoder;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PresetDifference;
import nacre.neuralassets.model.PretrainedBase;
import nacre.neuralassets.model.TrainingPreset;
import nacre.nn.LoraConfig;

/**
 * What a run began with, with which the command line that resumes it is compared. What that does
 * not say is as the run has it, and no pretrained model is opened: it may be gone.
 */
record BegunRun(TrainingPreset preset) {
  private static final String NOTHING = "none";

  private Optional<Preset> draws() {
    return preset instanceof Preset draws ? Optional.of(draws) : Optional.empty();
  }

  /**
   * Compares all that says what to train.
   *
   * @param name of the preset; null if not given
   * @param encoder of the image encoder's folder; null if not given
   * @throws UserException in one line that says what differs
   */
  void requirePreset(String name, BaseOptions base, Path encoder) throws IOException {
    requireBase(base.location());
    base.lora()
        .ifPresent(
            rank -> {
              Optional<Integer> its = draws().flatMap(Preset::lora).map(LoraConfig::rank);
              if (!Optional.of(rank).equals(its)) {
                throw other("--lora", rank, its);
              }
            });
    if (encoder != null) {
      Optional<Path> its = draws().flatMap(Preset::imageEncoderFrom);
      if (!its.map(BegunRun::place).equals(Optional.of(place(encoder)))) {
        throw other("--image-encoder", encoder, its);
      }
    }
    if (name != null) {
      Set<String> named = new HashSet<>();
      base.location().ifPresent(_ -> named.add(PretrainedBase.BASE));
      base.lora().ifPresent(_ -> named.add("lora"));
      if (encoder != null) {
        named.add(PretrainedEncoder.FROM);
      }
      Optional<PresetDifference> difference =
          PresetDifference.of(PresetName.file(name), preset, named);
      if (difference.isPresent()) {
        throw other("--preset", difference.get().describe());
      }
    }
  }

  private void requireBase(Optional<PretrainedBase.Location> given) {
    if (given.isEmpty()) {
      return;
    }
    PretrainedBase.Location mine = given.get();
    Optional<PretrainedBase.Location> its = draws().flatMap(Preset::base);
    if (!its.map(b -> place(b.path())).equals(Optional.of(place(mine.path())))) {
      throw other("--base", mine.path(), its.map(PretrainedBase.Location::path));
    }
    var hints = its.get().hints();
    requireHint("--family", mine.hints().family(), hints.family());
    requireHint(
        "--prediction",
        mine.hints().prediction().map(p -> p.key()),
        hints.prediction().map(p -> p.key()));
  }

  private static void requireHint(String option, Optional<?> given, Optional<?> begun) {
    if (given.isPresent() && !given.equals(begun)) {
      throw other(option, given.get(), begun);
    }
  }

  /**
   * Compares one setting.
   *
   * @param given null if it was not
   * @throws UserException in one line that says what differs
   */
  static void require(String option, Object given, Object begun) {
    if (given != null && !given.equals(begun)) {
      throw other(option, given, Optional.of(begun));
    }
  }

  private static UserException other(String option, Object given, Optional<?> begun) {
    return other(
        option,
        String.format(
            Locale.ROOT,
            "%s was given, the run began with %s",
            given,
            begun.isPresent() ? begun.get() : NOTHING));
  }

  private static UserException other(String option, String difference) {
    return new UserException(
        String.format(
            Locale.ROOT,
            "%s is not what the run began with: %s; a run goes on as it began: leave it out, or"
                + " --fresh",
            option,
            difference));
  }

  private static Path place(Path path) {
    return path.toAbsolutePath().normalize();
  }
}
