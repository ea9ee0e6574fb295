package nacre.evaluation.study;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import nacre.weights.JsonFile;

/**
 * What was measured of one method with one seed: a value of each metric for each case.
 *
 * @param method its name in the study
 * @param seed of its training and of what it draws; 0 for methods that need no training
 * @param steps of its training
 * @param model digest of what was trained; empty for methods that need no training
 * @param benchmark digest of the cases
 */
public record Measured(
    String method, long seed, long steps, String model, String benchmark, List<Column> columns) {
  /** Of the file; another one holds what was measured otherwise. */
  private static final int FORMAT = 3;

  private static final JsonMapper JSON = new JsonMapper();

  /**
   * The values of a metric.
   *
   * @param metric its name, with the part of the picture that it measures
   * @param values one a case; NaN for a case that has none
   */
  public record Column(String metric, boolean higherIsBetter, double[] values) {
    /** The value of a case's number. */
    double at(int number) {
      return values[number];
    }
  }

  /** Copies the list. */
  public Measured {
    columns = List.copyOf(columns);
  }

  /** The values of a metric, if it was measured. */
  public Optional<Column> column(String metric) {
    return columns.stream().filter(column -> column.metric.equals(metric)).findFirst();
  }

  /** The file's name of a method with a seed. */
  public static String file(String method, long seed) {
    return method + "-seed" + seed + ".json";
  }

  /** Writes it, whole or not at all. */
  public void write(Path file) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", FORMAT)
        .put("method", method)
        .put("seed", seed)
        .put("steps", steps)
        .put("model", model)
        .put("benchmark", benchmark);
    ArrayNode all = root.putArray("metrics");
    for (Column column : columns) {
      ObjectNode node = all.addObject();
      node.put("name", column.metric).put("higher_is_better", column.higherIsBetter);
      ArrayNode values = node.putArray("values");
      for (double value : column.values) {
        if (Double.isFinite(value)) {
          values.add(value);
        } else {
          values.addNull();
        }
      }
    }
    JsonFile.write(file, root);
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @return empty if there is no such file, or it is damaged or of another version: it is made
   *     again then
   */
  public static Optional<Measured> read(Path file) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      JsonNode root = JsonFile.read(file);
      return root.path("format").asInt() == FORMAT ? Optional.of(of(root)) : Optional.empty();
    } catch (IOException damaged) {
      return Optional.empty();
    }
  }

  private static Measured of(JsonNode root) {
    List<Column> columns = new ArrayList<>();
    for (JsonNode node : root.path("metrics")) {
      JsonNode list = node.path("values");
      double[] values = new double[list.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = list.get(i).asDouble(Double.NaN);
      }
      columns.add(
          new Column(
              node.path("name").asText(), node.path("higher_is_better").asBoolean(), values));
    }
    return new Measured(
        root.path("method").asText(),
        root.path("seed").asLong(),
        root.path("steps").asLong(),
        root.path("model").asText(),
        root.path("benchmark").asText(),
        columns);
  }

  /** Whether it has these metrics of these cases, and is of a run of this length. */
  public boolean isOf(String digest, int cases, long trained, List<String> metrics) {
    return benchmark.equals(digest)
        && steps == trained
        && columns.stream().map(Column::metric).toList().equals(metrics)
        && columns.stream().allMatch(column -> column.values.length == cases);
  }
}
