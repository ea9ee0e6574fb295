package nacre.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import nacre.tensor.Shape;

/**
 * Reads the JSON header of a safetensors file, token by token, so that a hostile header takes no
 * more memory than its own size, and believes nothing in it.
 */
final class SafeTensorsHeader {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /** What the header says of one tensor; offsets count from the end of the header. */
  record Item(String name, StoredType type, Shape shape, long begin, long end) {}

  private final Path file;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final List<Item> items = new ArrayList<>();

  private SafeTensorsHeader(Path file) {
    this.file = file;
  }

  /**
   * Parses and checks.
   *
   * @param json the header's text, without its length
   * @param dataBytes how many bytes follow the header in the file
   * @throws WeightsException in one line that names the file, the tensor and what is wrong
   */
  static SafeTensorsHeader parse(Path file, String json, long dataBytes) throws WeightsException {
    SafeTensorsHeader header = new SafeTensorsHeader(file);
    if (!json.startsWith("{")) {
      throw new WeightsException(file, "not a safetensors file: its header is not a JSON object");
    }
    try (JsonParser parser = JSON.createParser(json)) {
      header.read(parser);
    } catch (JsonProcessingException e) {
      throw new WeightsException(file, "header is not valid JSON: " + reason(e), e);
    } catch (WeightsException e) {
      throw e;
    } catch (IOException e) {
      throw new WeightsException(file, "header cannot be read: " + e.getMessage(), e);
    }
    header.checkCoverage(dataBytes);
    return header;
  }

  /** The file's {@code __metadata__}, in its order. */
  Map<String, String> metadata() {
    return metadata;
  }

  /** The tensors, by offset. */
  List<Item> items() {
    return items;
  }

  private void read(JsonParser parser) throws IOException {
    parser.nextToken();
    for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
      if (name.equals("__metadata__")) {
        readMetadata(parser);
      } else {
        readItem(parser, name);
      }
    }
    if (parser.nextToken() != null) {
      throw new WeightsException(file, "header goes on after its JSON object");
    }
  }

  private void readMetadata(JsonParser parser) throws IOException {
    require(parser.nextToken() == JsonToken.START_OBJECT, "__metadata__", "is not a JSON object");
    for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
      String value = parser.nextTextValue();
      require(value != null, "__metadata__", "value of '" + key + "' is not a string");
      metadata.put(key, value);
    }
  }

  private void readItem(JsonParser parser, String name) throws IOException {
    require(parser.nextToken() == JsonToken.START_OBJECT, name, "its entry is not a JSON object");
    StoredType type = null;
    List<Long> dims = null;
    List<Long> offsets = null;
    Set<String> seen = new HashSet<>();
    for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
      seen.add(key);
      parser.nextToken();
      switch (key) {
        case "dtype" -> type = readType(parser, name);
        case "shape" -> dims = readNumbers(parser, name, key);
        case "data_offsets" -> offsets = readNumbers(parser, name, key);
        default -> parser.skipChildren();
      }
    }
    for (String key : List.of("dtype", "shape", "data_offsets")) {
      require(seen.contains(key), name, "has no " + key);
    }
    require(offsets.size() == 2, name, "data_offsets has " + offsets.size() + " numbers, not 2");
    items.add(item(name, type, dims, offsets.get(0), offsets.get(1)));
  }

  private StoredType readType(JsonParser parser, String name) throws IOException {
    require(parser.currentToken() == JsonToken.VALUE_STRING, name, "dtype is not a string");
    String text = parser.getText();
    return StoredType.named(text)
        .orElseThrow(() -> wrong(name, "dtype " + clip(text) + " is not known"));
  }

  private List<Long> readNumbers(JsonParser parser, String name, String key) throws IOException {
    require(parser.currentToken() == JsonToken.START_ARRAY, name, key + " is not an array");
    List<Long> numbers = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      require(
          parser.currentToken() == JsonToken.VALUE_NUMBER_INT
              && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER
              && parser.getLongValue() >= 0,
          name,
          key + " holds something other than a 63-bit natural number");
      numbers.add(parser.getLongValue());
    }
    return numbers;
  }

  private Item item(String name, StoredType type, List<Long> dims, long begin, long end)
      throws WeightsException {
    require(begin <= end, name, "data_offsets [" + begin + ", " + end + "] run backwards");
    int[] extents = new int[dims.size()];
    Shape shape;
    long bytes;
    try {
      for (int i = 0; i < extents.length; i++) {
        extents[i] = Math.toIntExact(dims.get(i));
      }
      shape = Shape.of(extents);
      bytes = Math.multiplyExact(shape.elements(), (long) type.bytes());
    } catch (ArithmeticException e) {
      throw wrong(name, "shape " + clip(dims.toString()) + " is too large");
    }
    require(
        bytes == end - begin,
        name,
        "shape "
            + clip(shape.toString())
            + " of "
            + type
            + " takes "
            + bytes
            + " bytes, data_offsets give "
            + (end - begin));
    return new Item(name, type, shape, begin, end);
  }

  /** Tensors must cover the data exactly: no overlap, no hole, nothing beyond either end. */
  private void checkCoverage(long dataBytes) throws WeightsException {
    items.sort(Comparator.comparingLong(Item::begin).thenComparingLong(Item::end));
    long covered = 0;
    for (Item item : items) {
      String at = "data_offsets [" + item.begin + ", " + item.end + "]";
      require(item.begin >= covered, item.name, at + " overlap the tensor before");
      require(
          item.begin == covered,
          item.name,
          at + " leave a hole of " + (item.begin - covered) + " bytes before");
      require(
          item.end <= dataBytes,
          item.name,
          at + " reach beyond the " + dataBytes + " bytes of data; the file may be truncated");
      covered = item.end;
    }
    if (covered != dataBytes) {
      throw new WeightsException(
          file, (dataBytes - covered) + " bytes after the last tensor belong to none");
    }
  }

  private void require(boolean condition, String name, String message) throws WeightsException {
    if (!condition) {
      throw wrong(name, message);
    }
  }

  private WeightsException wrong(String name, String message) {
    return new WeightsException(file, "tensor " + clip(name) + ": " + message);
  }

  /** Jackson's own sentence without the location lines that follow it. */
  private static String reason(JsonProcessingException e) {
    return clip(e.getOriginalMessage());
  }

  /** One line of bounded length, whatever the file put into it. */
  private static String clip(String text) {
    String line = text.replaceAll("[\\p{Cntrl}\\u2028\\u2029]", "?");
    return line.length() <= 200 ? line : line.substring(0, 200) + "…";
  }
}
