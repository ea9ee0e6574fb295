package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.render.SceneConfig;
import org.junit.jupiter.api.Test;

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
