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
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import nacre.weights.Aside;
import nacre.weights.AtomicFile;
import nacre.weights.JsonFile;
import nacre.weights.TextFile;

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
   * Opens a log to append to, and creates it, with its folder, where missing. What is no log, or a
   * damaged one, is kept under another name, and the lines of it that are good are taken over.
   *
   * @param lastStep entries beyond this step are dropped: the step of the checkpoint from which a
   *     run resumes, -1 to begin anew
   * @param warn told in one line what was kept where, and why
   * @throws IOException if the file cannot be written
   */
  public static MetricsLog open(Path file, long lastStep, Consumer<String> warn)
      throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    List<Entry> entries = List.of();
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      try {
        entries = read(file);
      } catch (IOException e) {
        boolean folder = Files.isDirectory(file);
        Path aside = Aside.move(file);
        entries = goodLines(aside);
        warn.accept(
            String.format(
                Locale.ROOT,
                "%s; kept as %s, the log goes on with the %d lines of it that are good",
                reason(file, folder, e),
                aside.getFileName(),
                entries.size()));
      }
    }
    StringBuilder kept = new StringBuilder();
    entries.stream()
        .filter(entry -> entry.step() <= lastStep)
        .map(MetricsLog::line)
        .forEach(kept::append);
    byte[] bytes = kept.toString().getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, out -> out.write(bytes));
    return new MetricsLog(file, FileChannel.open(file, StandardOpenOption.APPEND));
  }

  private static String reason(Path file, boolean folder, IOException e) {
    if (folder) {
      return file + " is a folder";
    }
    String message = e.getMessage();
    return message != null && message.contains(file.toString())
        ? message
        : String.format(Locale.ROOT, "%s cannot be read (%s)", file, e);
  }

  /** The lines of a damaged file that are a log's. */
  private static List<Entry> goodLines(Path file) {
    String text;
    try {
      text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException nothingCanBeRead) {
      return List.of();
    }
    List<Entry> good = new ArrayList<>();
    for (String line : text.split("\n")) {
      try {
        good.add(parse(line, file, 0));
      } catch (IOException isNoLineOfALog) {
        // It is kept in the file.
      }
    }
    return good;
  }

  /**
   * Reads a log. A last line without an end is what a killed run was writing, and is left out.
   *
   * @throws IOException in one sentence, with the line's number, if a line is not a log's
   */
  public static List<Entry> read(Path file) throws IOException {
    List<Entry> entries = new ArrayList<>();
    String text = TextFile.read(file);
    int start = 0;
    int number = 1;
    for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      entries.add(parse(text.substring(start, end), file, number));
      start = end + 1;
      number++;
    }
    return entries;
  }

  /** Appends one line, or nothing where that fails. */
  public void append(Entry entry) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(line(entry).getBytes(StandardCharsets.UTF_8));
    long end = channel.size();
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      channel.truncate(end); // half a line would spoil the next
      throw new IOException(
          String.format(Locale.ROOT, "cannot write %s: %s", file, e.getMessage()), e);
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
      throw new IOException(
          String.format(Locale.ROOT, "%s, line %d: %s", file, number, JsonFile.reason(e)), e);
    }
    throw new IOException(
        String.format(Locale.ROOT, "%s, line %d: no step in '%s'", file, number, line));
  }
}
