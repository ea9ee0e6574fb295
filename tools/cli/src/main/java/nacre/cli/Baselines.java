package nacre.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import nacre.cli.options.UsageException;
import nacre.diffusion.StableDiffusion;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.baseline.Chained;
import nacre.evaluation.baseline.Copy;
import nacre.evaluation.baseline.DiffusionFill;
import nacre.evaluation.baseline.ThreeDitMethod;
import nacre.evaluation.run.Contender;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Device;
import nacre.weights.NearName;
import nacre.weights.Sha256;

/**
 * The methods that Nacre does not train, by what users write: {@code copy}, {@code chained}, {@code
 * chained=MODEL} with a Stable Diffusion that fills holes, {@code 3dit=MODEL}.
 */
final class Baselines {
  /** What is said to be in a hole. */
  private static final String PROMPT = "empty ground";

  private static final int STEPS = 25;
  private static final double GUIDANCE = 7.5;
  private static final Map<String, Baseline> KNOWN = known();

  private Baselines() {}

  /** Opens a method with the weights of a model. */
  private interface Loading {
    EditingMethod load(Path model, Device device) throws IOException;
  }

  /**
   * A method.
   *
   * @param version of what it draws
   * @param settings of drawing with weights
   * @param plain without weights; null if it needs some
   * @param loading with weights; null if it takes none
   */
  private record Baseline(int version, String settings, Contender.Opening plain, Loading loading) {}

  private static Map<String, Baseline> known() {
    Map<String, Baseline> known = new LinkedHashMap<>();
    known.put("copy", new Baseline(Copy.VERSION, "", Copy::new, null));
    known.put(
        "chained",
        new Baseline(
            Chained.VERSION,
            String.format(Locale.ROOT, ", %s, %d steps, %s", PROMPT, STEPS, GUIDANCE),
            Chained::new,
            (model, device) ->
                new Chained(
                    new DiffusionFill(
                        StableDiffusion.load(model, device), PROMPT, STEPS, GUIDANCE))));
    known.put("3dit", new Baseline(ThreeDitMethod.VERSION, "", null, ThreeDitMethod::load));
    return known;
  }

  /** The names of those that need no weights, which studies compare with. */
  static Set<String> names() {
    Set<String> names = new LinkedHashSet<>(KNOWN.keySet());
    names.removeIf(name -> KNOWN.get(name).plain == null);
    return names;
  }

  /** What users wrote, in its two parts. */
  private record Written(String name, Optional<Path> model) {
    static Written of(String text) {
      int at = text.indexOf('=');
      return at < 0
          ? new Written(text, Optional.empty())
          : new Written(text.substring(0, at), Optional.of(Path.of(text.substring(at + 1))));
    }
  }

  /**
   * Requires that there is such a method, with weights or without.
   *
   * @throws UsageException in one line, if not
   */
  static void check(String option, String text) {
    Written written = Written.of(text);
    Baseline known = KNOWN.get(written.name);
    if (known == null) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "%s is %s, must be %s%s",
              option,
              written.name,
              String.join(" or ", KNOWN.keySet()),
              NearName.hint(written.name, KNOWN.keySet())));
    }
    if (written.model.isEmpty() && known.plain == null) {
      throw new UsageException(
          String.format(
              Locale.ROOT, "%s %s needs a model: write %s=MODEL", option, text, written.name));
    }
    if (written.model.isPresent() && known.loading == null) {
      throw new UsageException(
          String.format(Locale.ROOT, "%s %s takes no model", option, written.name));
    }
  }

  /** The contender of a name that needs no weights. */
  static Contender of(String name) {
    Baseline known = KNOWN.get(name);
    return new Contender(name, name + " " + known.version, false, known.plain);
  }

  /**
   * The contender of what users wrote, of which the digest names the version that draws and the
   * model.
   */
  static Contender of(String text, Device device) throws IOException {
    Written written = Written.of(text);
    if (written.model.isEmpty()) {
      return of(text);
    }
    Baseline known = KNOWN.get(written.name);
    Path model = written.model.get();
    if (!Files.exists(model)) {
      throw new IOException(model + ": no such file or folder");
    }
    String weights = Files.isDirectory(model) ? ModelFolder.digest(model) : Sha256.of(model);
    String digest = written.name + " " + known.version + " " + weights + known.settings;
    return new Contender(text, digest, true, () -> known.loading.load(model, device));
  }
}
