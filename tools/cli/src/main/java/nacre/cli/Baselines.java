package nacre.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.baseline.Chained;
import nacre.evaluation.baseline.Copy;
import nacre.evaluation.run.Contender;

/** The methods that need no training, by the names that users write. */
final class Baselines {
  private static final Map<String, Baseline> KNOWN = known();

  private Baselines() {}

  /**
   * A method.
   *
   * @param version of what it draws
   */
  private record Baseline(int version, Supplier<EditingMethod> making) {}

  private static Map<String, Baseline> known() {
    Map<String, Baseline> known = new LinkedHashMap<>();
    known.put("copy", new Baseline(Copy.VERSION, Copy::new));
    known.put("chained", new Baseline(Chained.VERSION, Chained::new));
    return known;
  }

  static Set<String> names() {
    return KNOWN.keySet();
  }

  /** The contender of a name, of which the digest names the version that draws. */
  static Contender of(String name) {
    Baseline known = KNOWN.get(name);
    return new Contender(name, name + " " + known.version, false, () -> known.making.get());
  }
}
