package nacre.neuralassets.edit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.neuralassets.scene.Vec3;
import nacre.weights.JsonFile;
import nacre.weights.TextFile;

/**
 * The parser of edits as users write them.
 *
 * <pre>
 * translate OBJECT DX DY DZ        world units
 * rotate OBJECT DEGREES [AX AY AZ] about the vertical, or about an axis
 * resize OBJECT FACTOR
 * remove OBJECT
 * duplicate OBJECT NAME
 * replace OBJECT SCENE:OBJECT      SCENE is a number or a folder
 * background SCENE
 * camera RIGHT UP AHEAD [LEFT RAISED]  world units; degrees
 * </pre>
 *
 * Several edits are separated by semicolons. A JSON file holds an array of such strings, or of
 * objects like {@code {"edit": "translate", "object": "red-box", "by": [0.5, 0, 0]}}.
 */
public final class EditParser {
  private static final String FORMS =
      "known are: translate OBJECT DX DY DZ, rotate OBJECT DEGREES [AX AY AZ], resize OBJECT"
          + " FACTOR, remove OBJECT, duplicate OBJECT NAME, replace OBJECT SCENE:OBJECT, background"
          + " SCENE, camera RIGHT UP AHEAD [LEFT RAISED]";

  private EditParser() {}

  /**
   * Parses one edit or several with semicolons between them.
   *
   * @throws EditException if one is not understood
   */
  public static List<Edit> parse(String text) {
    List<Edit> edits = new ArrayList<>();
    for (String part : text.split(";")) {
      if (!part.isBlank()) {
        edits.add(one(part.strip()));
      }
    }
    if (edits.isEmpty()) {
      throw new EditException("edit \"" + text + "\" is empty; " + FORMS);
    }
    return edits;
  }

  private static Edit one(String text) {
    String[] words = text.split("\\s+");
    return switch (words[0].toLowerCase(Locale.ROOT)) {
      case "translate" -> {
        count(text, words, 5, 5);
        yield new Edit.Translate(words[1], vec3(text, words, 2));
      }
      case "rotate" -> {
        count(text, words, 3, 6);
        if (words.length == 4 || words.length == 5) {
          throw wrong(text, "an axis has three numbers");
        }
        yield new Edit.Rotate(
            words[1], number(text, words[2]), words.length == 6 ? axis(text, words) : null);
      }
      case "resize" -> {
        count(text, words, 3, 3);
        yield new Edit.Resize(words[1], number(text, words[2]));
      }
      case "remove" -> {
        count(text, words, 2, 2);
        yield new Edit.Remove(words[1]);
      }
      case "duplicate" -> {
        count(text, words, 3, 3);
        yield new Edit.Duplicate(words[1], words[2]);
      }
      case "replace" -> {
        count(text, words, 3, Integer.MAX_VALUE);
        // A folder's name may contain spaces, so take the rest.
        yield new Edit.Replace(words[1], donor(text, text.split("\\s+", 3)[2]));
      }
      case "background" -> {
        count(text, words, 2, Integer.MAX_VALUE);
        yield new Edit.Background(text.split("\\s+", 2)[1]);
      }
      case "camera" -> {
        count(text, words, 4, 6);
        if (words.length == 5) {
          throw wrong(text, "a camera turns by two numbers, to the left and up");
        }
        boolean turns = words.length == 6;
        yield new Edit.MoveCamera(
            vec3(text, words, 1),
            turns ? number(text, words[4]) : 0,
            turns ? number(text, words[5]) : 0);
      }
      default -> throw wrong(text, "\"" + words[0] + "\" is not an edit; " + FORMS);
    };
  }

  private static Vec3 axis(String text, String[] words) {
    Vec3 axis = vec3(text, words, 3);
    if (!(axis.length() > 0)) {
      throw wrong(text, "an axis must have a direction");
    }
    return axis;
  }

  private static Vec3 vec3(String text, String[] words, int from) {
    return new Vec3(
        number(text, words[from]), number(text, words[from + 1]), number(text, words[from + 2]));
  }

  private static double number(String text, String word) {
    double value;
    try {
      value = Double.parseDouble(word);
    } catch (NumberFormatException e) {
      throw wrong(text, "\"" + word + "\" is not a number");
    }
    if (!Double.isFinite(value)) {
      throw wrong(text, "\"" + word + "\" is not a finite number");
    }
    return value;
  }

  private static Edit.Donor donor(String text, String word) {
    int colon = word.lastIndexOf(':');
    if (colon <= 0 || colon == word.length() - 1) {
      throw wrong(text, "\"" + word + "\" must be SCENE:OBJECT, such as 7:blue-cone");
    }
    return new Edit.Donor(word.substring(0, colon), word.substring(colon + 1));
  }

  private static void count(String text, String[] words, int least, int most) {
    int off = words.length < least ? least - words.length : words.length - most;
    if (off > 0) {
      throw wrong(
          text,
          String.format(
              Locale.ROOT,
              "has %d %s too %s; %s",
              off,
              off == 1 ? "word" : "words",
              words.length < least ? "few" : "many",
              FORMS));
    }
  }

  private static EditException wrong(String text, String why) {
    return new EditException("edit \"" + text + "\": " + why);
  }

  /**
   * Reads a JSON file of edits.
   *
   * @throws EditException if the file is malformed or holds an edit that is not understood
   * @throws IOException if it is missing or no text, in one line
   */
  public static List<Edit> readJson(Path file) throws IOException {
    JsonNode root;
    try {
      root = new JsonMapper().readTree(TextFile.read(file));
    } catch (JsonProcessingException e) {
      throw new EditException(file + ": malformed JSON: " + JsonFile.reason(e));
    }
    if (!root.isArray() || root.isEmpty()) {
      throw new EditException(file + ": edits are a JSON array with at least one entry");
    }
    try {
      return ofJson(root);
    } catch (EditException e) {
      throw new EditException(file + ": " + e.getMessage());
    }
  }

  /**
   * The edits of a JSON array, as a file of edits has one; none of an empty one.
   *
   * @throws EditException if an entry is not understood, naming it
   */
  public static List<Edit> ofJson(JsonNode array) {
    List<Edit> edits = new ArrayList<>();
    for (int i = 0; i < array.size(); i++) {
      try {
        JsonNode entry = array.get(i);
        edits.addAll(entry.isTextual() ? parse(entry.textValue()) : List.of(object(entry)));
      } catch (EditException e) {
        throw new EditException("$[" + i + "]: " + e.getMessage());
      }
    }
    return edits;
  }

  /** One edit as a JSON object. */
  private static Edit object(JsonNode node) {
    if (!node.isObject()) {
      throw new EditException("is neither a string nor an object");
    }
    return switch (text(node, "edit")) {
      case "translate" -> new Edit.Translate(text(node, "object"), vec3(node, "by"));
      case "rotate" ->
          new Edit.Rotate(
              text(node, "object"),
              number(node, "degrees"),
              node.has("axis") ? direction(node) : null);
      case "resize" -> new Edit.Resize(text(node, "object"), number(node, "factor"));
      case "remove" -> new Edit.Remove(text(node, "object"));
      case "duplicate" -> new Edit.Duplicate(text(node, "object"), text(node, "as"));
      case "replace" -> {
        if (!node.path("by").isObject()) {
          throw new EditException("\"by\" must be {\"scene\": …, \"object\": …}");
        }
        JsonNode by = node.get("by");
        yield new Edit.Replace(
            text(node, "object"), new Edit.Donor(text(by, "scene"), text(by, "object")));
      }
      case "background" -> new Edit.Background(text(node, "scene"));
      case "camera" -> {
        double[] degrees = node.has("degrees") ? numbers(node, "degrees", 2) : new double[2];
        Vec3 by = node.has("by") ? vec3(node, "by") : Vec3.ZERO;
        yield new Edit.MoveCamera(by, degrees[0], degrees[1]);
      }
      default -> throw new EditException("\"" + text(node, "edit") + "\" is not an edit; " + FORMS);
    };
  }

  private static String text(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (value.isIntegralNumber() && field.equals("scene")) {
      return value.asText();
    }
    if (!value.isTextual() || value.textValue().isBlank()) {
      throw new EditException("has no \"" + field + "\", or it is no string");
    }
    return value.textValue();
  }

  private static double number(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw new EditException("has no \"" + field + "\", or it is no number");
    }
    return value.doubleValue();
  }

  private static Vec3 vec3(JsonNode node, String field) {
    double[] v = numbers(node, field, 3);
    return new Vec3(v[0], v[1], v[2]);
  }

  private static double[] numbers(JsonNode node, String field, int count) {
    JsonNode value = node.path(field);
    double[] numbers = new double[count];
    boolean right = value.isArray() && value.size() == count;
    for (int i = 0; i < count && right; i++) {
      numbers[i] = value.get(i).doubleValue();
      right = value.get(i).isNumber() && Double.isFinite(numbers[i]);
    }
    if (!right) {
      throw new EditException(
          String.format(
              Locale.ROOT,
              "\"%s\" must be an array of %s numbers",
              field,
              count == 3 ? "three" : "two"));
    }
    return numbers;
  }

  private static Vec3 direction(JsonNode node) {
    Vec3 axis = vec3(node, "axis");
    if (!(axis.length() > 0)) {
      throw new EditException("\"axis\" must have a direction");
    }
    return axis;
  }
}
