package nacre.evaluation.run;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import nacre.evaluation.metric.MeanOfSeeds;

/** The results of an evaluation as JSON. Numbers that are none are {@code null}. */
public final class EvaluationJson {
  private final EvaluationResults results;

  private EvaluationJson(EvaluationResults results) {
    this.results = results;
  }

  /** The means of all methods and metrics, over all cases and by kind, and their differences. */
  public static ObjectNode of(EvaluationResults results) {
    return new EvaluationJson(results).json();
  }

  private ObjectNode json() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("cases", results.cases());
    ArrayNode methods = root.putArray("methods");
    results.methods().forEach(method -> methods.add(json(method)));
    return root;
  }

  private ObjectNode json(EvaluationResults.Method method) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("name", method.name()).put("seeds", method.seeds().size());
    node.put("refused", method.seeds().getFirst().refused());
    put(node, "drawn_per_second", method.work().drawnPerSecond());
    put(node, "measured_per_second", method.work().measuredPerSecond());
    ArrayNode metrics = node.putArray("metrics");
    EvaluationResults.Method first = results.methods().getFirst();
    for (EvaluationResults.Column metric : results.metrics()) {
      ObjectNode one = metrics.addObject();
      one.put("name", metric.name()).put("higher_is_better", metric.higherIsBetter());
      put(one, results.score(method, metric));
      if (method.seeds().size() > 1) {
        put(one.putObject("best_of_seeds"), results.best(method, metric));
      }
      if (method != first) {
        put(one.putObject("first_minus_this"), results.difference(first, method, metric));
      }
      ObjectNode kinds = one.putObject("kinds");
      for (String kind : results.kinds()) {
        put(kinds.putObject(kind), results.score(method, metric, kind));
      }
    }
    results
        .setMetrics()
        .forEach(
            (key, metric) -> {
              MeanOfSeeds score = results.setScore(method, key);
              ObjectNode one = metrics.addObject();
              one.put("name", metric.name()).put("higher_is_better", metric.higherIsBetter());
              put(one, "mean", score.mean());
              put(one, "standard_error", score.error());
            });
    return node;
  }

  private static void put(ObjectNode node, EvaluationResults.Score score) {
    node.put("cases", score.cases());
    put(node, "mean", score.seeds().mean());
    put(node, "standard_error", score.seeds().error());
    put(node, "low", score.interval().low());
    put(node, "high", score.interval().high());
  }

  private static void put(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else {
      node.putNull(name);
    }
  }
}
