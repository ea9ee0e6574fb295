package nacre.weights;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A reader of the keys of a diffusers {@code config.json}, with the defaults of diffusers. */
public record ConfigJson(String model, JsonNode node) {

  /** Whether a key is present and not null. */
  public boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** An integer. */
  public int integer(String key, int otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = node.get(key);
    if (!isInt(value)) {
      throw wrong(key, "a whole number", value);
    }
    return value.intValue();
  }

  /** A number. */
  public double number(String key, double otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = node.get(key);
    if (!value.isNumber()) {
      throw wrong(key, "a number", value);
    }
    return value.doubleValue();
  }

  /** True or false. */
  public boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = node.get(key);
    if (!value.isBoolean()) {
      throw wrong(key, "true or false", value);
    }
    return value.booleanValue();
  }

  /** A string. */
  public String text(String key, String otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = node.get(key);
    if (!value.isTextual()) {
      throw wrong(key, "a text", value);
    }
    return value.textValue();
  }

  /** A list of integers; a single number stands for {@code count} equal ones. */
  public List<Integer> integers(String key, int count, List<Integer> otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = node.get(key);
    if (isInt(value)) {
      return Collections.nCopies(count, value.intValue());
    }
    List<Integer> list = new ArrayList<>();
    for (JsonNode element : value) {
      if (!isInt(element)) {
        throw wrong(key, "whole numbers", value);
      }
      list.add(element.intValue());
    }
    if (list.isEmpty() || (count > 0 && list.size() != count)) {
      throw wrong(key, count + " whole numbers", value);
    }
    return list;
  }

  /** The side of a square: one number, or height and width, which must be equal. */
  public int side(String key, int otherwise) {
    List<Integer> sides = integers(key, 2, List.of(otherwise, otherwise));
    if (!sides.get(0).equals(sides.get(1))) {
      throw wrong(key, "the same number for height and width", node.get(key));
    }
    return sides.getFirst();
  }

  /** A list of numbers, of the length of its default. */
  public List<Double> numbers(String key, List<Double> otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    List<Double> list = numbers(key);
    if (list.size() != otherwise.size()) {
      throw wrong(key, otherwise.size() + " numbers", node.get(key));
    }
    return list;
  }

  /** A list of any length, by default empty. */
  public List<Double> numbers(String key) {
    List<Double> list = new ArrayList<>();
    for (JsonNode element : node.path(key)) {
      if (!element.isNumber()) {
        throw wrong(key, "numbers", node.get(key));
      }
      list.add(element.doubleValue());
    }
    return list;
  }

  /** A list of strings. */
  public List<String> texts(String key, List<String> otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    List<String> list = new ArrayList<>();
    for (JsonNode element : node.get(key)) {
      if (!element.isTextual()) {
        throw wrong(key, "texts", node.get(key));
      }
      list.add(element.textValue());
    }
    return list;
  }

  /**
   * Refuses a setting that changes what the model computes and is not supported.
   *
   * @param allowed the supported values, alone or as every element of a list; a key that is missing
   *     or null is allowed too
   */
  public void require(String key, Object... allowed) {
    if (!has(key) || isOneOf(node.get(key), allowed)) {
      return;
    }
    throw new IllegalArgumentException(
        model
            + ": "
            + key
            + " = "
            + OneLine.clip(node.get(key).toString())
            + " is not supported"
            + (allowed.length == 0 ? "; leave it out" : "; supported: " + List.of(allowed)));
  }

  /**
   * Refuses keys that the model does not have. Those that begin with an underscore say where a
   * config comes from.
   */
  public void requireKnown(Set<String> keys) {
    List<String> strange =
        node.properties().stream()
            .map(Map.Entry::getKey)
            .filter(key -> !key.startsWith("_") && !keys.contains(key))
            .toList();
    if (!strange.isEmpty()) {
      throw new IllegalArgumentException(
          model + ": no model has these keys; leave them out: " + OneLine.list(strange));
    }
  }

  private static boolean isInt(JsonNode value) {
    return value.isIntegralNumber() && value.canConvertToInt();
  }

  private static boolean isOneOf(JsonNode value, Object... allowed) {
    if (value.isArray() && !value.isEmpty()) {
      return value.valueStream().allMatch(element -> isOneOf(element, allowed));
    }
    return Arrays.stream(allowed).anyMatch(a -> value.asText().equals(String.valueOf(a)));
  }

  private IllegalArgumentException wrong(String key, String wanted, JsonNode value) {
    return new IllegalArgumentException(
        model + ": " + key + " must be " + wanted + ", it is " + OneLine.clip(value.toString()));
  }
}
