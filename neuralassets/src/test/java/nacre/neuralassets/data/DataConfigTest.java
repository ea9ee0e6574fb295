package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.render.SceneConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataConfigTest {
  private static ObjectNode demo() {
    return (ObjectNode) Preset.builtin("demo").data().orElseThrow().deepCopy();
  }

  @Test
  void theDemoPresetIsTheDemoConfiguration() {
    assertEquals(SceneConfig.demo(), DataConfig.of(demo()).scene());
  }

  @Test
  void presetsOfBeforePatternContrastAreRead() {
    ObjectNode old = demo();
    ((ObjectNode) old.get("scene")).remove("pattern_contrast");
    assertEquals(SceneConfig.demo().withPatternContrast(1), DataConfig.of(old).scene());
  }

  private static String complaint(ObjectNode data) {
    return assertThrows(IllegalArgumentException.class, () -> DataConfig.of(data)).getMessage();
  }

  /** Each bound of each key, on both of its sides. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "slots            | 255        | 256        | a whole number from 1 to 255",
        "slots            | 4          | 0          | a whole number from 1 to 255",
        "samples_per_side | 1          | 0          | a whole number from 1 to 64",
        "samples_per_side | 64         | 65         | a whole number from 1 to 64",
        "initial_clips    | 1          | 0          | a whole number from 1 to 1000000",
        "initial_clips    | 6000       | 6001       | at most max_clips, which is 6000",
        "max_clips        | 256        | 0          | a whole number from 1 to 2147483646",
        "max_clips        | 2147483646 | 2147483647 | a whole number from 1 to 2147483646",
        "clips_per_step   | 0          | -0.001     | a number from 0 to 1000000",
        "clips_per_step   | 1000000    | 1000001    | a number from 0 to 1000000",
        "min_gap          | 0          | -1         | a whole number from 0",
        "min_gap          | 11         | 12         | at most max_gap, which is 11",
        "max_gap          | 1          | -1         | a whole number from 0",
        "flip_probability | 0          | -0.001     | a number from 0 to 1",
        "flip_probability | 1          | 1.001      | a number from 0 to 1",
        "frames           | 2          | 1          | a whole number from 2 to 10000",
        "frames           | 10000      | 10001      | a whole number from 1 to 10000",
        "validation       | 0          | -0.001     | a share from 0 to below 1, or a whole number",
        "validation       | 0.999      | 1.5        | a share from 0 to below 1, or a whole number",
        "validation       | 1          | -1         | a share from 0 to below 1, or a whole number",
        "validation       | 999999999  | 1000000000 | a share from 0 to below 1, or a whole number",
        "validation_steps | 1          | 0          | a whole number from 1",
        "source_masking   | 0.5        | -0.001     | a number from 0 to 1",
        "object_jitter    | 0.5        | 1.001      | a number from 0 to 1",
      })
  void boundsBelongToTheRange(String key, double right, double wrong, String wanted) {
    DataConfig read = DataConfig.of(put(key, right));
    assertTrue(read.toString().contains(camel(key) + "=" + text(key, right)), read::toString);
    String message = complaint(put(key, wrong));
    assertTrue(message.startsWith("preset: data." + key + " must be " + wanted), message);
    assertEquals(1, message.lines().count(), message);
  }

  private static ObjectNode put(String key, double value) {
    ObjectNode data = demo();
    return value == Math.rint(value) ? data.put(key, (int) value) : data.put(key, value);
  }

  /** As a record writes it. */
  private static String text(String key, double value) {
    Set<String> shares =
        Set.of(
            "validation", "flip_probability", "clips_per_step", "source_masking", "object_jitter");
    boolean whole = !shares.contains(key);
    return whole ? Long.toString((long) value) : Double.toString(value);
  }

  private static String camel(String key) {
    return Pattern.compile("_(.)")
        .matcher(key)
        .replaceAll(m -> m.group(1).toUpperCase(Locale.ROOT));
  }

  @Test
  void asManyObjectsAsSlotsFit() {
    ObjectNode data = demo();
    ((ObjectNode) data.get("scene")).put("max_objects", 3);
    assertEquals(3, DataConfig.of(data.put("slots", 3)).slots());
    String message = complaint(data.put("slots", 2));
    assertTrue(message.startsWith("preset: data.scene.max_objects must be at most slots"), message);
  }

  @Test
  void whatIsMissingIsNamedWithItsPlace() {
    ObjectNode data = demo();
    data.remove("max_gap");
    assertEquals("preset: \"max_gap\" is missing under \"data\"", complaint(data));
    data = demo();
    ((ObjectNode) data.get("scene")).remove("spread");
    assertEquals("preset: \"spread\" is missing under \"data.scene\"", complaint(data));
  }

  @Test
  void slipsOfThePenAreNamed() {
    ObjectNode extra = demo();
    extra.put("max_clip", 5);
    assertTrue(complaint(extra).contains("data.max_clip is not known"));
    ObjectNode missing = demo();
    missing.remove("slots");
    assertTrue(complaint(missing).contains("\"slots\" is missing"));
    ObjectNode text = demo();
    text.put("max_clips", "many");
    assertTrue(complaint(text).contains("\"max_clips\" is \"many\""));
    ObjectNode range = demo();
    ((ObjectNode) range.get("scene")).putArray("turn").add(1);
    assertTrue(complaint(range).contains("\"turn\" is [1], must be [min, max]"));
    ObjectNode crowd = demo();
    ((ObjectNode) crowd.get("scene")).put("max_objects", 9);
    assertTrue(complaint(crowd).contains("data.scene.max_objects must be at most slots, which is"));
    ObjectNode gaps = demo();
    gaps.put("min_gap", 12);
    assertTrue(
        complaint(gaps).contains("data.min_gap must be at most max_gap, which is 11, not 12"));
    ObjectNode none = demo();
    none.remove("scene");
    assertTrue(complaint(none).contains("\"data.scene\" is missing"));
    none.remove(List.of("frames", "samples_per_side"));
    assertTrue(DataConfig.of(none).rendering().isEmpty());
    String unrendered =
        assertThrows(IllegalArgumentException.class, () -> DataConfig.of(none).scene())
            .getMessage();
    assertTrue(unrendered.contains("wants a data set (--data PATH)"), unrendered);
    none.remove(List.of("initial_clips", "clips_per_step", "max_clips"));
    assertEquals(256, DataConfig.of(none).stream().initialClips());
    none.put("max_clips", 9);
    assertTrue(complaint(none).contains("\"initial_clips\" is missing"));
    none.remove("max_clips");
    none.put("min_pair_area", 1.5);
    assertTrue(complaint(none).contains("data.min_pair_area"), complaint(none));
  }
}
