package nacre.cli.output;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.weights.AtomicFile;
import nacre.weights.JsonFile;

/**
 * The metrics of a training run as JSON lines, one for each logged step: {@code {"step":10,
 * "loss":0.93,"learning_rate":0.002}}. Lines are written immediately; a run that resumes first
 * drops the lines of steps that it will compute again.
 */
public final class MetricsLog implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final Path file;
  private final FileChannel channel;

  /**
   * The metrics of one step.
   *
   * @param step optimizer steps done
   * @param values by name, in the order in which they are written; NaN where one was not finite
   */
  public record Entry(long step, Map<String, Double> values) {
    /** Copies the map, keeping its order. */
    public Entry {
      values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }
  }

  private MetricsLog(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Opens a log to append to, and creates it, with its folder, where missing.
   *
   * @param lastStep entries beyond this step are dropped: the step of the checkpoint from which a
   *     run resumes, -1 to begin anew
   * @throws IOException if the file cannot be written, or holds what is not a log
   */
  public static MetricsLog open(Path file, long lastStep) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    StringBuilder kept = new StringBuilder();
    if (Files.exists(file)) {
      for (Entry entry : read(file)) {
        if (entry.step() <= lastStep) {
          kept.append(line(entry));
        }
      }
    }
    byte[] bytes = kept.toString().getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, out -> out.write(bytes));
    return new MetricsLog(file, FileChannel.open(file, StandardOpenOption.APPEND));
  }

  /**
   * Reads a log. A last line without an end is what a killed run was writing, and is left out.
   *
   * @throws IOException in one sentence, with the line's number, if a line is not a log's
   */
  public static List<Entry> read(Path file) throws IOException {
    List<Entry> entries = new ArrayList<>();
    String text;
    try {
      text = Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new IOException("cannot read %s: no such file".formatted(file), e);
    }
    int start = 0;
    int number = 1;
    for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      entries.add(parse(text.substring(start, end), file, number));
      start = end + 1;
      number++;
    }
    return entries;
  }

  /** Appends one line. */
  public void append(Entry entry) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(line(entry).getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw new IOException("cannot write %s: %s".formatted(file, e.getMessage()), e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private static String line(Entry entry) {
    ObjectNode node = JSON.createObjectNode().put("step", entry.step());
    entry
        .values()
        .forEach(
            (name, value) -> {
              if (Double.isFinite(value)) {
                node.put(name, value);
              } else {
                node.putNull(name); // JSON has no NaN
              }
            });
    return node + "\n";
  }

  private static Entry parse(String line, Path file, int number) throws IOException {
    try {
      JsonNode node = JSON.readTree(line);
      if (node.path("step").isIntegralNumber()) {
        Map<String, Double> values = new LinkedHashMap<>();
        node.properties().stream()
            .filter(field -> !field.getKey().equals("step"))
            .forEach(
                field ->
                    values.put(
                        field.getKey(),
                        field.getValue().isNumber() ? field.getValue().doubleValue() : Double.NaN));
        return new Entry(node.get("step").longValue(), values);
      }
    } catch (JsonProcessingException e) {
      throw new IOException("%s, line %d: %s".formatted(file, number, JsonFile.reason(e)), e);
    }
    throw new IOException("%s, line %d: no step in '%s'".formatted(file, number, line));
  }
}
