package nacre.neuralassets.scene;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.weights.JsonFile;
import nacre.weights.TextFile;

/** A value in a JSON file, with its path for error messages. */
record JsonPlace(Path file, String path, JsonNode node) {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          // Read as numbers, so that they are refused with their path and not as a syntax error.
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** Parses a file; its root must be an object. */
  static JsonPlace parse(Path file) throws IOException {
    JsonNode node;
    try {
      node = MAPPER.readTree(TextFile.read(file));
    } catch (JsonProcessingException e) {
      String reason = "malformed JSON: " + JsonFile.reason(e);
      throw new SceneFormatException(file, "", reason, "correct the file or write it anew");
    }
    JsonPlace root = new JsonPlace(file, "$", node);
    if (!node.isObject()) {
      throw root.wrong("is not an object", "a scene starts with {");
    }
    return root;
  }

  SceneFormatException wrong(String problem, String remedy) {
    return new SceneFormatException(file, path, problem, remedy);
  }

  boolean isNull() {
    return node.isNull();
  }

  boolean has(String field) {
    return node.has(field);
  }

  JsonPlace get(String field) throws SceneFormatException {
    if (!node.has(field)) {
      throw wrong("has no field \"" + field + "\"", "add it");
    }
    return new JsonPlace(file, path + "." + field, node.get(field));
  }

  /** Checks that this is an object with no fields but these, so that a typo is noticed. */
  void allowOnly(String... fields) throws SceneFormatException {
    if (!node.isObject()) {
      throw wrong("is not an object", "write { … }");
    }
    List<String> known = List.of(fields);
    for (String field : (Iterable<String>) node::fieldNames) {
      if (!known.contains(field)) {
        throw wrong(
            "has an unknown field \"" + field + "\"",
            "known are " + String.join(", ", known) + "; put remarks of your own under \"notes\"");
      }
    }
  }

  /** Checks that at most one of two alternative fields is present. */
  void notBoth(String one, String other) throws SceneFormatException {
    if (node.has(one) && node.has(other)) {
      throw wrong(
          String.format(Locale.ROOT, "has both \"%s\" and \"%s\"", one, other), "keep one of them");
    }
  }

  /** The elements of an array of any length. */
  List<JsonPlace> elements() throws SceneFormatException {
    if (!node.isArray()) {
      throw wrong("is not an array", "write [ … ]");
    }
    List<JsonPlace> places = new ArrayList<>(node.size());
    for (int i = 0; i < node.size(); i++) {
      places.add(new JsonPlace(file, path + "[" + i + "]", node.get(i)));
    }
    return places;
  }

  /** The elements of an array whose length is known. */
  List<JsonPlace> elements(int count, String what) throws SceneFormatException {
    List<JsonPlace> places = elements();
    if (places.size() != count) {
      throw wrong(
          String.format(Locale.ROOT, "has %d entries", places.size()),
          String.format(Locale.ROOT, "there must be %d, %s", count, what));
    }
    return places;
  }

  double number() throws SceneFormatException {
    if (!node.isNumber()) {
      throw wrong("is not a number", "write a plain number");
    }
    double value = node.doubleValue();
    if (!Double.isFinite(value)) {
      throw wrong("is " + value, "every number must be finite");
    }
    return value;
  }

  double positive() throws SceneFormatException {
    double value = number();
    if (!(value > 0)) {
      throw wrong("is " + value, "it must be positive");
    }
    return value;
  }

  int integer(int least, int most) throws SceneFormatException {
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw wrong("is not a whole number", "write a number from " + least + " to " + most);
    }
    int value = node.intValue();
    if (value < least || value > most) {
      throw wrong("is " + value, "it must be from " + least + " to " + most);
    }
    return value;
  }

  String text() throws SceneFormatException {
    if (!node.isTextual()) {
      throw wrong("is not a string", "write it in quotation marks");
    }
    return node.textValue();
  }

  boolean truth() throws SceneFormatException {
    if (!node.isBoolean()) {
      throw wrong("is neither true nor false", "write one of them");
    }
    return node.booleanValue();
  }

  double[] numbers(int count, String what) throws SceneFormatException {
    List<JsonPlace> places = elements(count, what);
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = places.get(i).number();
    }
    return values;
  }

  Vec3 vec3() throws SceneFormatException {
    double[] v = numbers(3, "x, y and z");
    return new Vec3(v[0], v[1], v[2]);
  }

  Quaternion quaternion() throws SceneFormatException {
    double[] v = numbers(4, "w, x, y and z");
    Quaternion q = new Quaternion(v[0], v[1], v[2], v[3]);
    if (Math.abs(q.norm() - 1) > 1e-3) {
      throw wrong(
          "has norm " + (float) q.norm(),
          "a rotation is a unit quaternion in the order w, x, y, z");
    }
    return q.normalized();
  }
}
