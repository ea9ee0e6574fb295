package nacre.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.baseline.Chained;
import nacre.evaluation.baseline.Copy;

/** The methods of studies that need no training, by their names. */
final class StudyMethods {
  private static final Map<String, Supplier<EditingMethod>> KNOWN = known();

  private StudyMethods() {}

  private static Map<String, Supplier<EditingMethod>> known() {
    Map<String, Supplier<EditingMethod>> known = new LinkedHashMap<>();
    known.put("copy", Copy::new);
    known.put("chained", Chained::new);
    return known;
  }

  static Set<String> names() {
    return KNOWN.keySet();
  }

  static EditingMethod open(String name) {
    return KNOWN.get(name).get();
  }
}
