package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonFileTest {

  private static String reason(String text, boolean quoting) {
    JsonMapper mapper =
        JsonMapper.builder()
            .configure(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION, quoting)
            .build();
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return JsonFile.reason(
        assertThrows(JsonProcessingException.class, () -> mapper.readTree(bytes)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\n ", "[1", "{\"a\": ", "\"abc", "{\"a\" 1}"})
  void theParsersWordsDoNotQuoteTheText(String text) {
    for (boolean quoting : new boolean[] {false, true}) {
      String reason = reason(text, quoting);
      assertFalse(reason.contains("Source"), reason);
      assertEquals(1, reason.lines().count(), reason);
    }
    assertTrue(reason("{\n ", false).contains("start marker at line 1"), reason("{\n ", false));
  }

  @Test
  void aLongKeyIsNotQuotedWhole() {
    String key = "k".repeat(40_000);
    String text = "{\"%1$s\": 1, \"%1$s\": 2}".formatted(key);
    WeightsException e =
        assertThrows(
            WeightsException.class, () -> JsonFile.parse(Path.of("x.json"), text, json -> json));
    assertTrue(e.getMessage().startsWith("x.json: is not valid JSON: Duplicate"), e.getMessage());
    assertTrue(e.getMessage().length() < 300, e.getMessage());
  }

  /** What the parser says of its limits names the methods by which a program changes them. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nested | nesting depth (1001) exceeds the maximum allowed (1000)",
        "long number | exceeds the maximum allowed (1000)",
        "twice | Duplicate field 'a' (line 1, column 13)",
        "word | Unrecognized token 'abc'",
        "cut | Unexpected end-of-input",
      })
  void theParsersWordsDoNotNameItsClasses(String kind, String wanted) {
    String text =
        switch (kind) {
          case "nested" -> "{\"a\":".repeat(1001);
          case "long number" -> "{\"a\": " + "1".repeat(1001) + "}";
          case "twice" -> "{\"a\": 1, \"a\": 2}";
          case "word" -> "{\"a\": abc}";
          default -> "{\n\"a\"";
        };
    String message =
        assertThrows(
                WeightsException.class, () -> JsonFile.parse(Path.of("x.json"), text, json -> json))
            .getMessage();
    assertTrue(message.startsWith("x.json: is not valid JSON: "), message);
    assertTrue(message.contains(wanted), message);
    for (String internal : new String[] {"StreamRead", "`", "get", "fasterxml", "java."}) {
      assertFalse(message.contains(internal), message);
    }
  }

  @Test
  void infiniteNumbersAreRead() throws WeightsException {
    double value =
        JsonFile.parse(Path.of("x.json"), "{\"a\": -Infinity}", json -> json.get("a").asDouble());
    assertEquals(Double.NEGATIVE_INFINITY, value);
  }
}
