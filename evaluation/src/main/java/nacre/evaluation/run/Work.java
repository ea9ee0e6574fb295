package nacre.evaluation.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What drawing and measuring took.
 *
 * @param drawn pictures
 * @param drawing seconds for them
 * @param measured pictures
 * @param measuring seconds for them
 */
public record Work(long drawn, double drawing, long measured, double measuring) {
  /** Nothing. */
  public static final Work NONE = new Work(0, 0, 0, 0);

  /** Both together. */
  public Work plus(Work other) {
    return new Work(
        drawn + other.drawn,
        drawing + other.drawing,
        measured + other.measured,
        measuring + other.measuring);
  }

  /** Pictures drawn a second; NaN if none was. */
  public double drawnPerSecond() {
    return drawn / drawing;
  }

  /** Pictures measured a second; NaN if none was. */
  public double measuredPerSecond() {
    return measured / measuring;
  }

  ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("drawn", drawn).put("drawing_seconds", drawing);
    return node.put("measured", measured).put("measuring_seconds", measuring);
  }

  static Work of(JsonNode node) {
    return new Work(
        node.path("drawn").asLong(),
        node.path("drawing_seconds").asDouble(),
        node.path("measured").asLong(),
        node.path("measuring_seconds").asDouble());
  }
}
