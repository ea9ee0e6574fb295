package nacre.evaluation.study;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import nacre.neuralassets.training.RunLength;

/** The results of a study as JSON: every mean and every difference, for each kind of edit. */
public final class StudyNumbers {
  private StudyNumbers() {}

  /** All numbers. */
  public static ObjectNode json(StudyResults results) {
    ObjectNode root = new JsonMapper().createObjectNode();
    root.put("title", results.file().title()).put("cases", results.file().cases());
    root.put("pairs", results.file().pairs());
    switch (results.file().length()) {
      case RunLength.Steps(long steps) -> root.put("steps", steps);
      case RunLength.Minutes(double minutes) -> root.put("minutes", minutes);
    }
    results.file().seeds().forEach(root.putArray("seeds")::add);
    results.missing().forEach(root.putArray("missing")::add);
    ArrayNode means = root.putArray("means");
    ArrayNode differences = root.putArray("differences");
    for (String metric : results.metrics()) {
      for (String kind : results.kinds()) {
        for (String name : results.names()) {
          Optional<Interval> mean = results.of(name, metric, kind);
          if (mean.isPresent()) {
            ObjectNode node = means.addObject().put("method", name);
            put(node.put("metric", metric).put("kind", kind), mean.get());
          }
        }
        for (StudyFile.Comparison comparison : results.file().comparisons()) {
          Optional<Interval> ahead = results.ahead(comparison, metric, kind);
          if (ahead.isPresent()) {
            ObjectNode node = differences.addObject().put("first", comparison.first());
            node.put("second", comparison.second()).put("metric", metric).put("kind", kind);
            put(node, ahead.get());
          }
        }
      }
    }
    return root;
  }

  private static void put(ObjectNode node, Interval interval) {
    node.put("cases", interval.cases());
    put(node, "mean", interval.mean());
    put(node, "low", interval.low());
    put(node, "high", interval.high());
    put(node, "standard_error", interval.standardError());
    ArrayNode seeds = node.putArray("by_seed");
    for (double seed : interval.seeds()) {
      seeds.add(seed);
    }
  }

  private static void put(ObjectNode node, String key, double value) {
    if (Double.isFinite(value)) {
      node.put(key, value);
    } else {
      node.putNull(key);
    }
  }
}
