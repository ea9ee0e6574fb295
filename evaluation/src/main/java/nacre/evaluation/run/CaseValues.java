package nacre.evaluation.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * What was measured of one picture.
 *
 * @param number of the case
 * @param id of the case
 * @param kind of the case
 * @param values by the metrics' names; NaN where the picture has none
 * @param refusal why the method could not draw the case, in one line; null if it did
 */
public record CaseValues(
    int number, String id, String kind, Map<String, Double> values, String refusal) {
  /** Copies the map. */
  public CaseValues {
    values = new LinkedHashMap<>(values);
  }

  /** A picture of which nothing is measured yet. */
  static CaseValues none(NumberedCase one) {
    return new CaseValues(one.number(), one.edit().id(), one.edit().kind(), Map.of(), null);
  }

  /** A case that the method cannot draw. */
  static CaseValues refused(NumberedCase one, String why) {
    return new CaseValues(one.number(), one.edit().id(), one.edit().kind(), Map.of(), why);
  }

  /** Whether nothing is left to measure. */
  boolean has(Set<String> metrics) {
    return refusal != null || values.keySet().containsAll(metrics);
  }

  /** As JSON. */
  public ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("number", number).put("id", id).put("kind", kind);
    if (refusal != null) {
      return node.put("refused", refusal);
    }
    ObjectNode all = node.putObject("values");
    values.forEach(
        (metric, value) -> {
          if (Double.isNaN(value)) {
            all.putNull(metric);
          } else { // an infinite one, which JSON does not know, in words
            JsonNode number =
                Double.isInfinite(value) ? all.textNode(value.toString()) : all.numberNode(value);
            all.set(metric, number);
          }
        });
    return node;
  }

  /**
   * Reads what {@link #json} wrote.
   *
   * @throws IllegalArgumentException if something is missing
   */
  public static CaseValues of(JsonNode node) {
    if (!node.path("number").isInt() || !node.path("id").isTextual()) {
      throw new IllegalArgumentException("a picture without number or identity: " + node);
    }
    Map<String, Double> values = new LinkedHashMap<>();
    node.path("values")
        .properties()
        .forEach(entry -> values.put(entry.getKey(), number(entry.getValue())));
    return new CaseValues(
        node.path("number").intValue(),
        node.path("id").textValue(),
        node.path("kind").asText(),
        values,
        node.has("refused") ? node.path("refused").asText() : null);
  }

  private static double number(JsonNode node) {
    if (node.isNull()) {
      return Double.NaN;
    }
    if (node.isNumber()) {
      return node.doubleValue();
    }
    return switch (node.asText()) {
      case "Infinity" -> Double.POSITIVE_INFINITY;
      case "-Infinity" -> Double.NEGATIVE_INFINITY;
      default -> throw new IllegalArgumentException(node + " is no value of a metric");
    };
  }
}
