package nacre.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.tensor.Shape;

/**
 * The parser of a safetensors file's JSON header. It reads token by token, so that a hostile header
 * takes no more memory than what it names, and checks everything.
 */
final class SafeTensorsHeader {
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength((int) SafeTensors.MAX_HEADER)
                  .maxNestingDepth(100)
                  .build())
          .build();

  /** The header's entry of one tensor; offsets count from the end of the header. */
  record Item(String name, StoredType type, Shape shape, long begin, long end) {}

  /** Reads from a buffer. */
  private static final class Bytes extends InputStream {
    private final ByteBuffer buffer;

    Bytes(ByteBuffer buffer) {
      this.buffer = buffer;
    }

    @Override
    public int read() {
      return buffer.hasRemaining() ? buffer.get() & 0xff : -1;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      int count = Math.min(length, buffer.remaining());
      buffer.get(into, offset, count);
      return count == 0 && length > 0 ? -1 : count;
    }
  }

  private final Path file;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final List<Item> items = new ArrayList<>();

  private SafeTensorsHeader(Path file) {
    this.file = file;
  }

  /**
   * Parses and checks.
   *
   * @param text the header without its length, which begins with a brace
   * @param dataBytes how many bytes follow the header in the file
   * @throws WeightsException in one line that names the file, the tensor and what is wrong
   */
  static SafeTensorsHeader parse(Path file, ByteBuffer text, long dataBytes)
      throws WeightsException {
    SafeTensorsHeader header = new SafeTensorsHeader(file);
    CharsetDecoder strict = StandardCharsets.UTF_8.newDecoder();
    try (Reader reader = new InputStreamReader(new Bytes(text), strict);
        JsonParser parser = JSON.createParser(reader)) {
      header.read(parser);
    } catch (JsonProcessingException e) {
      throw new WeightsException(file, "header is not valid JSON: " + JsonFile.reason(e), e);
    } catch (CharacterCodingException e) {
      throw new WeightsException(file, "not a safetensors file: its header is not UTF-8", e);
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
      if (value == null) {
        throw wrong("__metadata__", "value of '" + OneLine.clip(key) + "' is not a string");
      }
      metadata.put(key, value);
    }
  }

  private void readItem(JsonParser parser, String name) throws IOException {
    require(parser.nextToken() == JsonToken.START_OBJECT, name, "its entry is not a JSON object");
    StoredType type = null;
    List<Long> dims = null;
    List<Long> offsets = null;
    for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
      parser.nextToken();
      switch (key) {
        case "dtype" -> type = readType(parser, name);
        case "shape" -> dims = readNumbers(parser, name, key);
        case "data_offsets" -> offsets = readNumbers(parser, name, key);
        default -> parser.skipChildren();
      }
    }
    require(type != null, name, "has no dtype");
    require(dims != null, name, "has no shape");
    require(offsets != null, name, "has no data_offsets");
    if (offsets.size() != 2) {
      throw wrong(name, "data_offsets has " + offsets.size() + " numbers, not 2");
    }
    items.add(item(name, type, dims, offsets.get(0), offsets.get(1)));
  }

  private StoredType readType(JsonParser parser, String name) throws IOException {
    require(parser.currentToken() == JsonToken.VALUE_STRING, name, "dtype is not a string");
    String text = parser.getText();
    return StoredType.named(text)
        .orElseThrow(() -> wrong(name, "dtype " + OneLine.clip(text) + " is not known"));
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
    if (begin > end) {
      throw wrong(name, "data_offsets [" + begin + ", " + end + "] run backwards");
    }
    int[] extents = new int[dims.size()];
    Shape shape;
    long bytes;
    try {
      for (int i = 0; i < extents.length; i++) {
        extents[i] = Math.toIntExact(dims.get(i));
      }
      shape = Shape.of(extents);
      bytes = Math.multiplyExact(shape.elements(), (long) type.bytes());
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw wrong(name, "shape " + OneLine.clip(dims.toString()) + " is too large");
    }
    if (bytes != end - begin) {
      throw wrong(
          name,
          String.format(
              Locale.ROOT,
              "shape %s of %s takes %d bytes, data_offsets give %d",
              OneLine.clip(shape.toString()),
              type,
              bytes,
              end - begin));
    }
    return new Item(name, type, shape, begin, end);
  }

  /** Tensors must cover the data exactly: no overlap, no hole, nothing beyond either end. */
  private void checkCoverage(long dataBytes) throws WeightsException {
    items.sort(Comparator.comparingLong(Item::begin).thenComparingLong(Item::end));
    long covered = 0;
    for (Item item : items) {
      if (item.begin != covered || item.end > dataBytes) {
        throw wrong(
            item.name,
            String.format(Locale.ROOT, "data_offsets [%d, %d] ", item.begin, item.end)
                + (item.begin < covered
                    ? "overlap the tensor before"
                    : item.begin > covered
                        ? "leave a hole of " + (item.begin - covered) + " bytes before"
                        : "reach beyond the "
                            + dataBytes
                            + " bytes of data; the file may be truncated"));
      }
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
    return new WeightsException(file, "tensor " + OneLine.clip(name) + ": " + message);
  }
}
