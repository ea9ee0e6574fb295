package nacre.neuralassets.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Iterator;
import java.util.Set;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneConfig.Range;

/**
 * The data set of a preset, its part "data": the clips, and how pairs are drawn from them.
 *
 * @param slots objects that the model has room for
 * @param samplesPerSide rays a pixel along each side
 * @param initialClips clips taken from an endless source before the first step
 * @param clipsPerStep clips taken from it at each step
 * @param maxClips most clips taken from it
 * @param minGap fewest frames from source to target; where a clip is shorter, its length counts
 * @param maxGap most frames from source to target
 * @param flipProbability how often a pair is mirrored
 * @param scene the scenes to render
 */
public record DataConfig(
    int slots,
    int samplesPerSide,
    int initialClips,
    double clipsPerStep,
    int maxClips,
    int minGap,
    int maxGap,
    double flipProbability,
    SceneConfig scene) {
  private static final Set<String> KEYS =
      Set.of(
          "slots",
          "frames",
          "samples_per_side",
          "initial_clips",
          "clips_per_step",
          "max_clips",
          "min_gap",
          "max_gap",
          "flip_probability",
          "scene");
  private static final Set<String> SCENE_KEYS =
      Set.of(
          "min_objects",
          "max_objects",
          "object_radius",
          "spread",
          "dynamic_fraction",
          "travel",
          "turn",
          "static_camera_fraction",
          "camera_sweep",
          "camera_distance",
          "camera_elevation",
          "camera_climb",
          "pattern_contrast");

  /** Checks the ranges. */
  public DataConfig {
    require(slots >= 1, "slots", slots, "at least 1");
    require(samplesPerSide >= 1, "samples_per_side", samplesPerSide, "at least 1");
    require(initialClips >= 1, "initial_clips", initialClips, "at least 1");
    require(clipsPerStep >= 0, "clips_per_step", clipsPerStep, "at least 0");
    require(maxClips >= initialClips, "max_clips", maxClips, "at least initial_clips");
    require(minGap >= 0, "min_gap", minGap, "at least 0");
    require(maxGap >= minGap, "max_gap", maxGap, "at least min_gap");
    require(
        flipProbability >= 0 && flipProbability <= 1,
        "flip_probability",
        flipProbability,
        "from 0 to 1");
    require(
        scene.maxObjects() <= slots,
        "scene.max_objects",
        scene.maxObjects(),
        "at most slots (" + slots + ")");
    require(scene.frames() >= 2, "frames", scene.frames(), "at least 2: pairs are two frames");
  }

  private static void require(boolean ok, String key, Object value, String want) {
    if (!ok) {
      throw new IllegalArgumentException(
          "preset: data." + key + " is " + value + ", must be " + want);
    }
  }

  /**
   * Reads the part "data" of a preset.
   *
   * @throws IllegalArgumentException naming the key, if one is missing, unknown or out of range
   */
  public static DataConfig of(JsonNode data) {
    checkKeys(data, "data", KEYS);
    JsonNode scene = data.get("scene");
    checkKeys(scene, "data.scene", SCENE_KEYS);
    return new DataConfig(
        integer(data, "slots"),
        integer(data, "samples_per_side"),
        integer(data, "initial_clips"),
        number(data, "clips_per_step"),
        integer(data, "max_clips"),
        integer(data, "min_gap"),
        integer(data, "max_gap"),
        number(data, "flip_probability"),
        new SceneConfig(
            integer(data, "frames"),
            integer(scene, "min_objects"),
            integer(scene, "max_objects"),
            range(scene, "object_radius"),
            number(scene, "spread"),
            number(scene, "dynamic_fraction"),
            range(scene, "travel"),
            range(scene, "turn"),
            number(scene, "static_camera_fraction"),
            range(scene, "camera_sweep"),
            range(scene, "camera_distance"),
            range(scene, "camera_elevation"),
            range(scene, "camera_climb"),
            // Presets that predate this key had patterns of two plain colors.
            scene.has("pattern_contrast") ? number(scene, "pattern_contrast") : 1));
  }

  private static void checkKeys(JsonNode node, String where, Set<String> keys) {
    if (node == null || !node.isObject()) {
      throw new IllegalArgumentException("preset: \"" + where + "\" is missing or no object");
    }
    Iterator<String> names = node.fieldNames();
    while (names.hasNext()) {
      String name = names.next();
      if (!keys.contains(name)) {
        throw new IllegalArgumentException("preset: " + where + "." + name + " is not known");
      }
    }
  }

  private static JsonNode value(JsonNode node, String key) {
    JsonNode value = node.get(key);
    if (value == null) {
      throw new IllegalArgumentException("preset: \"" + key + "\" is missing under \"data\"");
    }
    return value;
  }

  private static int integer(JsonNode node, String key) {
    JsonNode value = value(node, key);
    if (!value.canConvertToInt() || !value.isIntegralNumber()) {
      throw new IllegalArgumentException("preset: \"" + key + "\" is " + value + ", not a number");
    }
    return value.intValue();
  }

  private static double number(JsonNode node, String key) {
    JsonNode value = value(node, key);
    if (!value.isNumber()) {
      throw new IllegalArgumentException("preset: \"" + key + "\" is " + value + ", not a number");
    }
    return value.doubleValue();
  }

  private static Range range(JsonNode node, String key) {
    JsonNode value = value(node, key);
    if (!value.isArray()
        || value.size() != 2
        || !value.get(0).isNumber()
        || !value.get(1).isNumber()) {
      throw new IllegalArgumentException(
          "preset: \"" + key + "\" is " + value + ", must be [min, max]");
    }
    return new Range(value.get(0).doubleValue(), value.get(1).doubleValue());
  }
}
