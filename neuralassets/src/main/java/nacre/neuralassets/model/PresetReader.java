package nacre.neuralassets.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import nacre.neuralassets.encoder.ImageEncoderConfig;
import nacre.neuralassets.encoder.ImageEncoderProvider;

/** The reader of one object of a preset's JSON, which refuses keys that nothing has read. */
final class PresetReader {
  private static final String MODEL_TYPE = "model_type";

  private final String preset;
  private final String place;
  private final JsonNode object;
  private final Set<String> known = new TreeSet<>();

  PresetReader(String preset, String place, JsonNode object) {
    this.preset = preset;
    this.place = place;
    this.object = object;
    if (!object.isObject()) {
      throw wrong(place.isEmpty() ? "it" : place, "an object", object);
    }
  }

  /** The same failure, whose message says which preset it is of. */
  static IllegalArgumentException named(String preset, IllegalArgumentException e) {
    String told = e.getMessage();
    String prefix = "preset " + preset;
    return told.startsWith(prefix) ? e : new IllegalArgumentException(prefix + ": " + told, e);
  }

  /** The object under a key. */
  PresetReader object(String key) {
    return new PresetReader(preset, name(key), required(key));
  }

  /** The value of a key, if it has one. */
  Optional<JsonNode> optional(String key) {
    known.add(key);
    JsonNode value = object.get(key);
    return value == null || value.isNull() ? Optional.empty() : Optional.of(value);
  }

  /** The object under a key, read as a library's configuration. */
  <T> T library(String key, Collection<String> keys, Function<JsonNode, T> read) {
    PresetReader inner = object(key);
    inner.known.addAll(keys);
    inner.end();
    try {
      return read.apply(inner.object);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "preset %s: %s", preset, e.getMessage()), e);
    }
  }

  /** The configuration of an image encoder, which the provider of its model type reads. */
  ImageEncoderConfig imageEncoder(String key) {
    JsonNode type = required(key).path(MODEL_TYPE);
    ImageEncoderProvider provider;
    try {
      provider = ImageEncoderProvider.of(type.asText(ImageEncoderProvider.DEFAULT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "preset %s: %s", preset, e.getMessage()), e);
    }
    Set<String> keys = new TreeSet<>(provider.keys());
    keys.add(MODEL_TYPE);
    return library(key, keys, provider::read);
  }

  /** A whole number of 32 bits; its record checks the range. */
  int integer(String key) {
    return integer(key, required(key));
  }

  /** A whole number of 32 bits, or {@code otherwise} if it is missing. */
  int integer(String key, int otherwise) {
    return optional(key).map(value -> integer(key, value)).orElse(otherwise);
  }

  private int integer(String key, JsonNode value) {
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw wrong(name(key), "a whole number of 32 bits", value);
    }
    return value.intValue();
  }

  /** A number; its record checks the range. */
  double number(String key) {
    return number(key, required(key));
  }

  /** A number, or {@code otherwise} if it is missing. */
  double number(String key, double otherwise) {
    return optional(key).map(value -> number(key, value)).orElse(otherwise);
  }

  private double number(String key, JsonNode value) {
    if (!value.isNumber()) {
      throw wrong(name(key), "a number", value);
    }
    return value.doubleValue();
  }

  /** A text, if there is one. */
  Optional<String> text(String key) {
    return optional(key)
        .map(
            value -> {
              if (!value.isTextual()) {
                throw wrong(name(key), "a text", value);
              }
              return value.textValue();
            });
  }

  boolean flag(String key) {
    return flag(key, required(key));
  }

  /** True or false, or {@code otherwise} if it is missing. */
  boolean flag(String key, boolean otherwise) {
    return optional(key).map(value -> flag(key, value)).orElse(otherwise);
  }

  private boolean flag(String key, JsonNode value) {
    if (!value.isBoolean()) {
      throw wrong(name(key), "true or false", value);
    }
    return value.booleanValue();
  }

  /** The constant that the text under a key names, in lower case. */
  <E extends Enum<E>> E choice(String key, Class<E> of, E otherwise) {
    Optional<JsonNode> value = optional(key);
    if (value.isEmpty()) {
      return otherwise;
    }
    List<String> names = new ArrayList<>();
    for (E constant : of.getEnumConstants()) {
      String name = constant.name().toLowerCase(java.util.Locale.ROOT);
      if (value.get().asText().equals(name)) {
        return constant;
      }
      names.add(name);
    }
    throw wrong(name(key), "one of " + String.join(", ", names), value.get());
  }

  /** A list of texts, or {@code otherwise} if it is missing. */
  List<String> texts(String key, List<String> otherwise) {
    Optional<JsonNode> value = optional(key);
    if (value.isEmpty()) {
      return otherwise;
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode element : value.get()) {
      if (!element.isTextual()) {
        throw wrong(name(key), "a list of texts", value.get());
      }
      texts.add(element.textValue());
    }
    if (!value.get().isArray() || texts.isEmpty()) {
      throw wrong(name(key), "a list of texts", value.get());
    }
    return List.copyOf(texts);
  }

  /** As many numbers as {@code otherwise}, or that if they are missing. */
  List<Double> numbers(String key, List<Double> otherwise) {
    int count = otherwise.size();
    Optional<JsonNode> value = optional(key);
    if (value.isEmpty()) {
      return List.copyOf(otherwise);
    }
    List<Double> numbers = new ArrayList<>();
    for (JsonNode element : value.get()) {
      if (element.isNumber()) {
        numbers.add(element.doubleValue());
      }
    }
    if (numbers.size() != count || value.get().size() != count) {
      throw wrong(name(key), count + " numbers", value.get());
    }
    return List.copyOf(numbers);
  }

  /** Refuses keys that were not read. */
  void end() {
    for (String key : (Iterable<String>) object::fieldNames) {
      if (!known.contains(key)) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "preset %s: %s is not known; known here are %s",
                preset,
                name(key),
                String.join(", ", known)));
      }
    }
  }

  private JsonNode required(String key) {
    return optional(key).orElseThrow(() -> missing(key));
  }

  /** The failure of a key that must be there. */
  IllegalArgumentException missing(String key) {
    return new IllegalArgumentException(
        String.format(Locale.ROOT, "preset %s: %s is missing", preset, name(key)));
  }

  private String name(String key) {
    return place.isEmpty() ? key : place + "." + key;
  }

  private IllegalArgumentException wrong(String name, String wanted, JsonNode value) {
    return new IllegalArgumentException(
        String.format(
            Locale.ROOT, "preset %s: %s must be %s, not %s", preset, name, wanted, clipped(value)));
  }

  private static String clipped(JsonNode value) {
    String text = value.toString();
    return text.length() <= 100 ? text : text.substring(0, 100) + "…";
  }
}
