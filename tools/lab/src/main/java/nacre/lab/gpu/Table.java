package nacre.lab.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Results as Markdown. Results of the simulated device, or of {@code --small}, say so in the title
 * and in the first cell of each table, so that no table can be mistaken for a GPU's.
 */
final class Table {
  private final JsonNode root;
  private final String label;
  private final StringBuilder text = new StringBuilder();

  Table(JsonNode root) {
    this.root = root;
    List<String> reservations = new ArrayList<>();
    if (root.at("/card/simulated").asBoolean()) {
      reservations.add("SIMULATED, not a GPU");
    }
    if (root.path("small").asBoolean()) {
      reservations.add("SMALL, for trying the check");
    }
    label = reservations.isEmpty() ? "" : String.join("; ", reservations) + ": ";
  }

  /** The whole page. */
  String text() {
    line("# " + label + root.at("/card/name").asText());
    line("");
    circumstances();
    parts();
    engines();
    curve();
    models();
    calls();
    return text.toString();
  }

  private void line(String line) {
    text.append(line).append('\n');
  }

  private void heading(String... cells) {
    line("");
    row(label + cells[0], String.join(" | ", List.of(cells).subList(1, cells.length)));
    line("| --- ".repeat(cells.length) + "|");
  }

  private void row(String... cells) {
    line("| " + String.join(" | ", cells) + " |");
  }

  private void circumstances() {
    row(label + "what", "");
    line("| --- | --- |");
    row("GPU", root.at("/card/name").asText() + ", " + root.at("/card/description").asText());
    for (Map.Entry<String, JsonNode> library : root.at("/card/libraries").properties()) {
      row(library.getKey(), library.getValue().asText());
    }
    for (String key : List.of("nacre", "settings", "java", "system", "processor", "date", "peer")) {
      row(key, root.path(key).asText());
    }
  }

  private void parts() {
    heading("part", "result", "seconds", "found");
    for (Map.Entry<String, JsonNode> part : root.path("parts").properties()) {
      JsonNode value = part.getValue();
      row(
          part.getKey() + ": " + value.path("title").asText(),
          value.path("result").asText(),
          value.path("seconds").asText(),
          value.path("finding").asText().replace("|", "\\|"));
    }
  }

  private void engines() {
    JsonNode engines = root.at("/parts/engines/engines");
    if (engines.isEmpty()) {
      return;
    }
    heading("operation in bf16", "cuDNN's engine");
    for (JsonNode served : engines) {
      row(served.path("what").asText(), served.path("by").asText().replace("|", "\\|"));
    }
  }

  private void curve() {
    JsonNode curve = root.at("/parts/training/curve");
    if (curve.isEmpty()) {
      return;
    }
    heading("training step", "loss on the GPU", "loss on the CPU");
    for (JsonNode point : curve) {
      row(point.path("step").asText(), loss(point.path("cuda")), loss(point.path("cpu")));
    }
  }

  /** A row for each work, and in it a time, a ratio and a memory for each peer. */
  private void models() {
    List<JsonNode> rows = new ArrayList<>();
    root.path("parts").forEach(part -> part.path("rows").forEach(rows::add));
    if (rows.isEmpty()) {
      return;
    }
    heading("work", "dtype", "who", "ms", "beside Nacre", "GB at most", "beside Nacre");
    for (JsonNode row : rows) {
      double median = row.path("median_s").doubleValue();
      double memory = row.path("peak_gb").doubleValue();
      String title = row.path("title").asText();
      String dtype = row.path("dtype").asText();
      row(title, dtype, "Nacre", milliseconds(median), "", gigabytes(memory), "");
      if (row.has("eager_s")) {
        double eager = row.path("eager_s").doubleValue();
        double its = row.path("eager_peak_gb").doubleValue();
        row(
            "",
            "",
            "Nacre, nothing captured",
            milliseconds(eager),
            times(eager / median),
            gigabytes(its),
            times(its / memory));
      }
      for (JsonNode peer : row.path("peers")) {
        if (peer.has("median_s")) {
          double its = peer.path("median_s").doubleValue();
          double room = peer.path("peak_gb").doubleValue();
          row(
              "",
              "",
              peer.path("framework").asText() + whose(peer),
              milliseconds(its),
              times(its / median),
              gigabytes(room),
              times(room / memory));
        } else {
          row("", "", peer.path("framework").asText(), "failed", "", "", "");
        }
      }
    }
  }

  /** The origin of the peer's model code. */
  private static String whose(JsonNode peer) {
    String models = peer.path("models").asText();
    return models.isEmpty() ? "" : ", " + models;
  }

  private void calls() {
    JsonNode calls = root.at("/parts/bench-calls/calls");
    if (calls.isEmpty()) {
      return;
    }
    heading("call of the driver", "FFM, ns", "JCuda, ns", "ratio");
    for (Map.Entry<String, JsonNode> call : calls.properties()) {
      JsonNode ffm = call.getValue().path("ffm_ns");
      JsonNode jni = call.getValue().path("jcuda_ns");
      row(
          call.getKey(),
          nanoseconds(ffm),
          nanoseconds(jni),
          ffm.isNumber() && jni.isNumber() ? times(jni.doubleValue() / ffm.doubleValue()) : "");
    }
  }

  private static String loss(JsonNode value) {
    return String.format(Locale.ROOT, "%.6f", value.doubleValue());
  }

  private static String nanoseconds(JsonNode value) {
    return value.isNumber() ? String.format(Locale.ROOT, "%.1f", value.doubleValue()) : "";
  }

  private static String milliseconds(double seconds) {
    return String.format(Locale.ROOT, "%.3f", seconds * 1000);
  }

  private static String gigabytes(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  private static String times(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.2f×", value) : "";
  }
}
