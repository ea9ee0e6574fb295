package nacre.evaluation.run;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditCases;
import nacre.evaluation.Rgb;
import nacre.evaluation.metric.SetMetric;

/**
 * The measuring of sets of pictures, such as FID, of the pictures that an {@link Evaluator} left in
 * the folder. Values that were measured of as many pictures are not measured again.
 */
public final class SetEvaluator {
  private final EditCases cases;
  private final EvaluationFolder folder;
  private final Runnable eachPicture;

  /** Makes a metric that has seen no pictures. */
  @FunctionalInterface
  public interface Making {
    /** A new one. */
    SetMetric make() throws IOException;
  }

  /**
   * A value of a set of pictures.
   *
   * @param metric its name with the variant
   * @param value NaN if there are too few pictures
   */
  public record SetValue(String metric, boolean higherIsBetter, double value) {}

  /** An evaluation of sets. */
  public SetEvaluator(EditCases cases, EvaluationFolder folder, Runnable eachPicture) {
    this.cases = cases;
    this.folder = folder;
    this.eachPicture = eachPicture;
  }

  /**
   * The values of the pictures of a method and a seed, by the keys of the metrics.
   *
   * @param drawn what the evaluator made of them, with pictures kept
   */
  public Map<String, SetValue> run(
      Contender contender, MethodValues drawn, Map<String, Making> metrics) throws IOException {
    Shard.Key key =
        new Shard.Key(contender.name(), contender.digest(), cases.digest(), drawn.seed());
    long pictures = drawn.values().size() - drawn.refused();
    Map<String, SetValue> known = folder.readSets(key, pictures);
    Map<String, SetMetric> missing = new LinkedHashMap<>();
    for (Map.Entry<String, Making> entry : metrics.entrySet()) {
      if (!known.containsKey(entry.getKey())) {
        missing.put(entry.getKey(), entry.getValue().make());
      }
    }
    if (!missing.isEmpty()) {
      add(key, drawn, missing);
      missing.forEach((name, metric) -> known.put(name, value(metric)));
      folder.writeSets(key, pictures, known);
    }
    Map<String, SetValue> asked = new LinkedHashMap<>();
    metrics.keySet().forEach(name -> asked.put(name, known.get(name)));
    return asked;
  }

  private static SetValue value(SetMetric metric) {
    double value;
    try {
      value = metric.value();
    } catch (IllegalStateException tooFew) {
      value = Double.NaN;
    }
    return new SetValue(metric.name(), metric.higherIsBetter(), value);
  }

  private void add(Shard.Key key, MethodValues drawn, Map<String, SetMetric> metrics)
      throws IOException {
    for (CaseValues one : drawn.values().values()) {
      if (one.refusal() != null) {
        continue;
      }
      Optional<EditCase> edit = cases.get(one.number());
      if (edit.isEmpty()) {
        continue;
      }
      int size = edit.get().size();
      Optional<byte[]> picture = folder.readPicture(key, one.number(), size);
      if (picture.isEmpty()) {
        folder.removePicture(key, one.number());
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s: was missing or damaged; start again to have it drawn anew",
                folder.picture(key, one.number())));
      }
      for (SetMetric metric : metrics.values()) {
        metric.add(Rgb.floats(picture.get()), Rgb.floats(edit.get().truth()), 1, size, size);
      }
      eachPicture.run();
    }
  }
}
