package nacre.weights;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * The JSON files beside weights: configurations and indices. A duplicate key is an error; infinite
 * numbers, which JSON lacks but Python writes, are read.
 */
public final class JsonFile {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  /** The parser's description of where something began. */
  private static final Pattern SOURCE =
      Pattern.compile("\\[Source: .*?; (line): (\\d+), column: \\d+]", Pattern.DOTALL);

  /** What the parser says of its own code: that is nothing that a user can set. */
  private static final Pattern JAVA =
      Pattern.compile(
          ",? from `[^`]*`| \\(for type `[^`]*`\\)|`?(?:com\\.fasterxml|java)\\.[\\w.$]*`?:? ?");

  private JsonFile() {}

  /**
   * Reads a file that holds one JSON object.
   *
   * @throws WeightsException if it is missing, not UTF-8 or malformed, in one line
   */
  public static JsonNode read(Path file) throws WeightsException {
    return read(file, json -> json);
  }

  /**
   * Reads a file that holds one JSON object, and builds something from it.
   *
   * @param build may reject the object by an {@link IllegalArgumentException}
   * @throws WeightsException if the file is missing, not UTF-8, malformed or refused, in one line
   */
  public static <T> T read(Path file, Function<JsonNode, T> build) throws WeightsException {
    return parse(file, TextFile.read(file), build);
  }

  /**
   * As {@link #read(Path, Function)}, for a JSON object that has already been parsed.
   *
   * @param file where it comes from, for messages
   */
  public static <T> T parse(Path file, String text, Function<JsonNode, T> build)
      throws WeightsException {
    JsonNode json;
    try {
      json = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new WeightsException(file, "is not valid JSON: " + reason(e), e);
    }
    if (json.isMissingNode()) {
      throw new WeightsException(file, "is empty, a JSON object is wanted");
    }
    if (!json.isObject()) {
      throw new WeightsException(file, "is not a JSON object");
    }
    try {
      return build.apply(json);
    } catch (IllegalArgumentException e) {
      throw new WeightsException(file, e.getMessage(), e);
    }
  }

  /**
   * The syntax error in a text, in one line: the parser's message without the text it quotes and
   * without the names of its classes and methods, and the place where there is one.
   */
  public static String reason(JsonProcessingException e) {
    String message = e.getOriginalMessage();
    if (message == null || message.isBlank()) {
      message = "syntax error";
    }
    String located = SOURCE.matcher(message).replaceAll("$1 $2");
    String plain = JAVA.matcher(located.lines().findFirst().orElseThrow()).replaceAll("");
    JsonLocation at = e.getLocation();
    return OneLine.clip(plain)
        + (at == null || at.getLineNr() < 1
            ? ""
            : String.format(
                Locale.ROOT, " (line %d, column %d)", at.getLineNr(), at.getColumnNr()));
  }

  /**
   * Writes a file atomically, and creates its folder if it does not exist.
   *
   * @throws IOException if it cannot be written, in one sentence
   */
  public static void write(Path file, JsonNode json) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    byte[] text = (json.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, out -> out.write(text));
  }
}
