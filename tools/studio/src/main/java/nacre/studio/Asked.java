package nacre.studio;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.Vec3;
import nacre.weights.JsonFile;

/**
 * A JSON object of a request, whose values are checked as they are taken.
 *
 * @param place what it is called in messages, empty for the whole body
 */
record Asked(ObjectNode json, String place) {
  /** The reader and writer of all JSON here: nothing deep, no key twice. */
  static final JsonMapper MAPPER = mapper();

  private static final int DEEPEST = 32;
  private static final int NAMED = 8;
  private static final int MOST_BYTES = 1 << 20;
  private static final int MOST_LARGE_BYTES = 44 << 20;
  private static final Semaphore LARGE = new Semaphore(4);

  private static JsonMapper mapper() {
    JsonMapper mapper =
        JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();
    mapper
        .getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder()
                .maxNestingDepth(DEEPEST)
                .maxNumberLength(64)
                .maxStringLength(MOST_LARGE_BYTES)
                .build());
    return mapper;
  }

  /** The body of a request. */
  static Asked of(Context request) throws IOException {
    requireJson(request);
    return of(body(request, MOST_BYTES));
  }

  /** The body of a request with pictures in it, few of which are read at a time. */
  static Asked large(Context request) throws IOException {
    requireJson(request);
    if (!LARGE.tryAcquire()) {
      throw new Refusal(503, "other pictures are being sent: try again in a moment");
    }
    try {
      return of(body(request, MOST_LARGE_BYTES));
    } finally {
      LARGE.release();
    }
  }

  private static byte[] body(Context request, int most) throws IOException {
    if (request.contentLength() > most) {
      throw tooLarge(most);
    }
    try (InputStream in = request.bodyInputStream()) {
      byte[] bytes = in.readNBytes(most + 1);
      if (bytes.length > most) {
        throw tooLarge(most);
      }
      return bytes;
    }
  }

  private static Refusal tooLarge(int most) {
    return new Refusal(413, "the body is too large: at most " + (most >> 20) + " MiB are taken");
  }

  private static void requireJson(Context request) {
    String type = request.contentType();
    if (type == null || !type.toLowerCase(Locale.ROOT).startsWith("application/json")) {
      throw new Refusal(
          415, "the body must be JSON, with the header Content-Type: application/json");
    }
  }

  static Asked of(byte[] body) {
    JsonNode node;
    try {
      node = MAPPER.readTree(body);
    } catch (JsonProcessingException e) {
      throw Refusal.bad("the body is malformed JSON: " + JsonFile.reason(e));
    } catch (IOException e) {
      throw Refusal.bad("the body is no text in UTF-8");
    }
    if (!(node instanceof ObjectNode object)) {
      throw Refusal.bad("the body must be a JSON object");
    }
    return new Asked(object, "");
  }

  /** Refuses keys that would be passed over. */
  Asked only(String... keys) {
    Set<String> unknown = new TreeSet<>();
    json.fieldNames().forEachRemaining(unknown::add);
    unknown.removeAll(List.of(keys));
    if (!unknown.isEmpty()) {
      List<String> shown = unknown.stream().limit(NAMED).map(Asked::brief).toList();
      throw Refusal.bad(
          String.format(
              Locale.ROOT,
              "%sunknown %s %s%s; known are %s",
              place.isEmpty() ? "" : place + ": ",
              unknown.size() == 1 ? "key" : "keys",
              String.join(", ", shown),
              unknown.size() > NAMED ? " and " + (unknown.size() - NAMED) + " more" : "",
              String.join(", ", keys)));
    }
    return this;
  }

  /** Words of a request as messages repeat them: short and on one line. */
  static String brief(String text) {
    String line = text.replaceAll("\\p{Cntrl}", " ");
    return line.length() <= 60 ? line : line.substring(0, 57) + "…";
  }

  boolean has(String key) {
    return json.hasNonNull(key);
  }

  private Refusal wrong(String key, String wanted) {
    String value = json.path(key).toString();
    return Refusal.bad(name(key) + " is " + brief(value) + ", " + wanted + " is wanted");
  }

  private String name(String key) {
    return "\"" + (place.isEmpty() ? "" : place + ".") + key + "\"";
  }

  private JsonNode required(String key, String wanted) {
    if (!has(key)) {
      throw Refusal.bad(name(key) + " is missing: " + wanted + " is wanted");
    }
    return json.get(key);
  }

  /** A text of a bounded length. */
  String text(String key, int longest) {
    JsonNode value = required(key, "a text");
    String wanted = "a text of at most " + longest + " characters";
    if (!value.isTextual() || value.textValue().length() > longest) {
      throw wrong(key, wanted);
    }
    return value.textValue();
  }

  String text(String key, int longest, String otherwise) {
    return has(key) ? text(key, longest) : otherwise;
  }

  /** A whole number of a range. */
  long integer(String key, long least, long most) {
    JsonNode value = required(key, "a whole number");
    boolean whole =
        value.isIntegralNumber() && value.canConvertToLong()
            || value.isFloatingPointNumber()
                && value.doubleValue() == Math.rint(value.doubleValue());
    if (!whole || value.doubleValue() < least || value.doubleValue() > most) {
      throw wrong(key, "a whole number from " + least + " to " + most);
    }
    return value.longValue();
  }

  int integer(String key, int least, int most, int otherwise) {
    return has(key) ? (int) integer(key, least, most) : otherwise;
  }

  /** A finite number of a range. */
  double number(String key, double least, double most) {
    JsonNode value = required(key, "a number");
    if (!value.isNumber() || !(value.doubleValue() >= least) || !(value.doubleValue() <= most)) {
      throw wrong(key, "a number from " + plain(least) + " to " + plain(most));
    }
    return value.doubleValue();
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  double number(String key, double least, double most, double otherwise) {
    return has(key) ? number(key, least, most) : otherwise;
  }

  boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!json.get(key).isBoolean()) {
      throw wrong(key, "true or false");
    }
    return json.get(key).booleanValue();
  }

  /** An object within this one. */
  Asked object(String key) {
    JsonNode value = required(key, "an object");
    if (!(value instanceof ObjectNode object)) {
      throw wrong(key, "an object");
    }
    return new Asked(object, place.isEmpty() ? key : place + "." + key);
  }

  /** An array of a bounded length; empty if it is missing. */
  ArrayNode array(String key, int longest) {
    if (!has(key)) {
      return MAPPER.createArrayNode();
    }
    if (!(json.get(key) instanceof ArrayNode array) || array.size() > longest) {
      throw wrong(key, "an array of at most " + longest + " entries");
    }
    return array;
  }

  /** The objects of an array. */
  List<Asked> objects(String key, int longest) {
    ArrayNode array = array(key, longest);
    List<Asked> objects = new ArrayList<>();
    for (int i = 0; i < array.size(); i++) {
      if (!(array.get(i) instanceof ObjectNode object)) {
        throw Refusal.bad(name(key) + "[" + i + "] is no object");
      }
      objects.add(new Asked(object, key + "[" + i + "]"));
    }
    return objects;
  }

  private double[] numbers(String key, int count) {
    JsonNode value = required(key, count + " numbers");
    double[] numbers = new double[count];
    if (!value.isArray() || value.size() != count) {
      throw wrong(key, "an array of " + count + " numbers");
    }
    for (int i = 0; i < count; i++) {
      numbers[i] = value.get(i).asDouble(Double.NaN);
      if (!value.get(i).isNumber() || !(Math.abs(numbers[i]) <= 1e9)) {
        throw wrong(key, "an array of " + count + " numbers, none beyond 1e9");
      }
    }
    return numbers;
  }

  Vec3 vec3(String key) {
    double[] v = numbers(key, 3);
    return new Vec3(v[0], v[1], v[2]);
  }

  /** A rotation, of any length but none at all. */
  Quaternion rotation(String key) {
    double[] q = numbers(key, 4);
    Quaternion rotation = new Quaternion(q[0], q[1], q[2], q[3]);
    if (!(rotation.norm() > 1e-6)) {
      throw wrong(key, "a quaternion w, x, y, z of a length above 0");
    }
    return rotation.normalized();
  }
}
