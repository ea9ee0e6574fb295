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

  @Test
  void infiniteNumbersAreRead() throws WeightsException {
    double value =
        JsonFile.parse(Path.of("x.json"), "{\"a\": -Infinity}", json -> json.get("a").asDouble());
    assertEquals(Double.NEGATIVE_INFINITY, value);
  }
}
