package nacre.lab.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import nacre.bindings.Processors;
import nacre.neuralassets.model.Preset;
import nacre.tensor.DType;
import nacre.tensor.Settings;

/**
 * A program that times the same work as a benchmark, and prints, last, a line of JSON.
 *
 * @param command split at blanks; it is given {@code --threads N} and what the benchmark adds
 */
record Peer(String command) {

  /** The output of a peer. */
  record Answer(String command, JsonNode json) {
    double number(String key) {
      if (!json.path(key).isNumber()) {
        throw new IllegalArgumentException(
            String.format(Locale.ROOT, "bench: the peer did not print %s: %s", key, command));
      }
      return json.get(key).doubleValue();
    }

    String text(String key) {
      return json.path(key).asText();
    }
  }

  /**
   * Runs the peer to its end.
   *
   * @throws IllegalArgumentException if it fails, or its last line is not JSON
   */
  Answer ask(List<String> arguments) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(Arrays.asList(command.strip().split("\\s+")));
    words.addAll(List.of("--threads", Integer.toString(threads())));
    words.addAll(arguments);
    Path complaints = Files.createTempFile("peer-", ".txt");
    try {
      Process process = new ProcessBuilder(words).redirectError(complaints.toFile()).start();
      String last = "";
      try (BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          last = line;
        }
      }
      int status = process.waitFor();
      String errors = new String(Files.readAllBytes(complaints), StandardCharsets.UTF_8);
      System.err.print(errors);
      if (status != 0) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "bench: %s ended with status %d: %s",
                name(),
                status,
                errors.lines().reduce("it said nothing", (earlier, later) -> later).strip()));
      }
      return new Answer(command, new JsonMapper().readTree(last));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "bench: the last line of %s is not JSON", name()), e);
    } finally {
      Files.delete(complaints);
    }
  }

  /**
   * Runs the peer on a preset, which it is given as a file: {@code --config FILE --slots N --dtype
   * NAME}.
   *
   * @param arguments what it is given besides
   * @return the median that it printed, in milliseconds
   */
  double median(Preset preset, int slots, DType dtype, String... arguments)
      throws IOException, InterruptedException {
    Path config = Files.createTempFile("preset-", ".json");
    try {
      Files.writeString(config, preset.json());
      List<String> words =
          new ArrayList<>(
              List.of(
                  "--config", config.toString(),
                  "--slots", Integer.toString(slots),
                  "--dtype", dtype == DType.BF16 ? "bfloat16" : "float32"));
      words.addAll(List.of(arguments));
      return ask(words).number("median_ms");
    } finally {
      Files.deleteIfExists(config);
    }
  }

  /** The command without the folders in it. */
  String name() {
    return command.replaceAll("\\S*/", "");
  }

  static String machine() {
    return String.format(
        Locale.ROOT,
        "%s, %d threads, Java %s",
        System.getProperty("os.name") + " " + System.getProperty("os.arch"),
        threads(),
        System.getProperty("java.version"));
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  }

  /** The number of threads of Nacre, and so of a peer. */
  private static int threads() {
    return Settings.ofProcess().threads().orElseGet(Processors::physicalCores);
  }
}
