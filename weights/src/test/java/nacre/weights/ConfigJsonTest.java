package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The keys of a model's config: their values, their defaults, and what is none of their kind. */
class ConfigJsonTest {
  private static final Map<String, Function<ConfigJson, Object>> READERS =
      Map.of(
          "integer", config -> config.integer("k", 7),
          "number", config -> config.number("k", 7),
          "flag", config -> config.flag("k", true),
          "text", config -> config.text("k", "seven"),
          "integers", config -> config.integers("k", 2, List.of(7, 8)),
          "side", config -> config.side("k", 7),
          "numbers", config -> config.numbers("k", List.of(7.0, 8.0)),
          "texts", config -> config.texts("k", List.of("seven")));

  private static ConfigJson config(String json) {
    try {
      return new ConfigJson("unet", new ObjectMapper().readTree(json));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static ConfigJson with(String value) {
    return config("{\"k\": " + value + "}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"k\": null}"})
  void whatIsMissingOrNullHasItsDefault(String json) {
    ConfigJson config = config(json);
    assertFalse(config.has("k"));
    assertEquals(7, config.integer("k", 7));
    assertEquals(0.5, config.number("k", 0.5));
    assertTrue(config.flag("k", true));
    assertFalse(config.flag("k", false));
    assertEquals("seven", config.text("k", "seven"));
    assertEquals(List.of(7, 8), config.integers("k", 2, List.of(7, 8)));
    assertEquals(7, config.side("k", 7));
    assertEquals(List.of(0.5), config.numbers("k", List.of(0.5)));
    assertEquals(List.of(), config.numbers("k"));
    assertEquals(List.of("a"), config.texts("k", List.of("a")));
    config.require("k");
    config.require("k", "only this");
  }

  @Test
  void whatIsThereIsRead() {
    assertTrue(with("0").has("k"));
    assertEquals(-3, with("-3").integer("k", 7));
    assertEquals(3, with("3").number("k", 7));
    assertEquals(2.5, with("2.5").number("k", 7));
    assertFalse(with("false").flag("k", true));
    assertTrue(with("true").flag("k", false));
    assertEquals("", with("\"\"").text("k", "seven"));
    assertEquals(List.of(5, 5), with("5").integers("k", 2, List.of(7, 8)));
    assertEquals(List.of(5, 6), with("[5, 6]").integers("k", 2, List.of(7, 8)));
    assertEquals(List.of(5, 6, 7), with("[5, 6, 7]").integers("k", 0, List.of()));
    assertEquals(5, with("[5, 5]").side("k", 7));
    assertEquals(5, with("5").side("k", 7));
    assertEquals(List.of(1.0, 2.5), with("[1, 2.5]").numbers("k", List.of(7.0, 8.0)));
    assertEquals(List.of(1.0), with("[1]").numbers("k"));
    assertEquals(List.of("a", "b"), with("[\"a\", \"b\"]").texts("k", List.of()));
  }

  @Test
  void anotherKindIsRefusedByName() {
    Map<String, List<String>> wrong =
        Map.of(
            "integer", List.of("1.5", "\"1\"", "4294967297", "true", "[1]"),
            "number", List.of("\"1\"", "true", "[1]"),
            "flag", List.of("1", "\"true\"", "[]"),
            "text", List.of("1", "true", "[\"a\"]"),
            "integers",
                List.of(
                    "1.5", "[1, 1.5]", "[]", "[1]", "[1, 2, 3]", "4294967297", "[1, 4294967297]"),
            "side", List.of("[1, 2]", "[1]", "1.5"),
            "numbers", List.of("[1]", "[1, \"2\"]", "[1, 2, 3]", "[]"),
            "texts", List.of("[1]", "[\"a\", null]"));
    assertEquals(READERS.keySet(), wrong.keySet());
    wrong.forEach(
        (kind, values) -> {
          for (String value : values) {
            ConfigJson config = with(value);
            String message =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> READERS.get(kind).apply(config),
                        kind + " " + value)
                    .getMessage();
            assertTrue(message.startsWith("unet: k must be "), message);
          }
        });
  }

  @Test
  void whatIsNotSupportedIsRefusedWithWhatIs() {
    with("\"silu\"").require("k", "relu", "silu");
    with("[\"a\", \"b\", \"a\"]").require("k", "a", "b");
    with("1").require("k", 1);
    for (String value : List.of("\"gelu\"", "[\"silu\", \"gelu\"]", "[]")) {
      String message =
          assertThrows(
                  IllegalArgumentException.class, () -> with(value).require("k", "silu"), value)
              .getMessage();
      assertTrue(message.endsWith("is not supported; supported: [silu]"), message);
    }
    String message =
        assertThrows(IllegalArgumentException.class, () -> with("1").require("k")).getMessage();
    assertEquals("unet: k = 1 is not supported; leave it out", message);
  }
}
