package nacre.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditingMethod;

/** The methods of studies that need no training, by their names. */
final class StudyMethods {
  private static final Map<String, Supplier<EditingMethod>> KNOWN =
      new LinkedHashMap<>(Map.of("copy", Copying::new));

  private StudyMethods() {}

  static Set<String> names() {
    return KNOWN.keySet();
  }

  static EditingMethod open(String name) {
    return KNOWN.get(name).get();
  }

  /** The source frame as it is. */
  private static final class Copying implements EditingMethod {
    @Override
    public String name() {
      return "copy";
    }

    @Override
    public float[] draw(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep) {
      int each = 3 * cases.getFirst().size() * cases.getFirst().size();
      float[] pictures = new float[cases.size() * each];
      for (int i = 0; i < cases.size(); i++) {
        byte[] rgb = cases.get(i).view().clip().rgb(cases.get(i).view().source());
        for (int k = 0; k < each; k++) {
          pictures[i * each + k] = (rgb[k] & 0xFF) / 255f;
        }
      }
      return pictures;
    }

    @Override
    public void close() {}
  }
}
