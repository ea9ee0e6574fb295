package nacre.neuralassets.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Iterator;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneConfig.Range;
import nacre.weights.ConfigRange;

/**
 * The data set of a preset, its part "data": the clips, and how pairs are drawn from them.
 *
 * @param slots objects that the model has room for; of more in a pair, the largest have one
 * @param minGap fewest frames from source to target; where a clip is shorter, its length counts
 * @param maxGap most frames from source to target
 * @param flipProbability how often a pair is mirrored
 * @param minObjectArea an object has a slot only if its 2D box covers at least this share of the
 *     image in one of the two frames; 0 for all
 * @param minPairArea a pair is drawn only if some object's 2D box covers more than this share of
 *     the image in both frames; 0 for all
 * @param stream how many clips are taken from an endless source
 * @param rendering the scenes to render; empty where a data set must be given
 * @param validation which clips of a finite data set are held out: a share of them if below 1, or
 *     their number; 0 for none
 * @param validationSteps steps from one evaluation on them to the next
 * @param sourceMasking how often a pair is masked: then of its source frame each object, and the
 *     background, is hidden half of the time
 * @param objectJitter how often a pair before a moving camera has a simulated source frame, in
 *     which only the objects differ from the target
 */
public record DataConfig(
    int slots,
    int minGap,
    int maxGap,
    double flipProbability,
    double minObjectArea,
    double minPairArea,
    Stream stream,
    Optional<Rendering> rendering,
    double validation,
    int validationSteps,
    double sourceMasking,
    double objectJitter) {

  /** Pairs of frames as they are. */
  public DataConfig(
      int slots,
      int minGap,
      int maxGap,
      double flipProbability,
      double minObjectArea,
      double minPairArea,
      Stream stream,
      Optional<Rendering> rendering,
      double validation,
      int validationSteps) {
    this(
        slots,
        minGap,
        maxGap,
        flipProbability,
        minObjectArea,
        minPairArea,
        stream,
        rendering,
        validation,
        validationSteps,
        0,
        0);
  }

  /**
   * How many clips are taken from an endless source.
   *
   * @param initialClips before the first step
   * @param clipsPerStep at each step
   * @param maxClips altogether
   */
  public record Stream(int initialClips, double clipsPerStep, int maxClips) {
    private static final Stream DEFAULT = new Stream(256, 1, 10_000);

    /** Checks the ranges. */
    public Stream {
      ConfigRange range = new ConfigRange("data.");
      range.whole("initial_clips", initialClips, 1, 1_000_000);
      range.number("clips_per_step", clipsPerStep, 0, 1_000_000);
      range.whole("max_clips", maxClips, 1, Integer.MAX_VALUE - 1);
      range.most("initial_clips", initialClips, "max_clips", maxClips);
    }
  }

  /**
   * The scenes to render.
   *
   * @param samplesPerSide rays a pixel along each side
   */
  public record Rendering(int samplesPerSide, SceneConfig scene) {
    /** Checks the ranges. */
    public Rendering {
      ConfigRange range = new ConfigRange("data.");
      range.whole("samples_per_side", samplesPerSide, 1, 64);
      range.whole("frames", scene.frames(), 2, 10_000); // pairs are two frames
    }
  }

  /** Steps from one validation to the next, where a preset does not say. */
  private static final int VALIDATION_STEPS = 100;

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
          "min_object_area",
          "min_pair_area",
          "scene",
          "validation",
          "validation_steps",
          "source_masking",
          "object_jitter");
  private static final Set<String> STREAM_KEYS =
      Set.of("initial_clips", "clips_per_step", "max_clips");
  private static final Set<String> RENDERING_KEYS = Set.of("scene", "frames", "samples_per_side");
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

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming the key
   */
  public DataConfig {
    ConfigRange range = new ConfigRange("data.");
    range.whole("slots", slots, 1, 255);
    range.whole("max_gap", maxGap, 0, Integer.MAX_VALUE);
    range.whole("min_gap", minGap, 0, Integer.MAX_VALUE);
    range.most("min_gap", minGap, "max_gap", maxGap);
    range.number("flip_probability", flipProbability, 0, 1);
    range.number("min_object_area", minObjectArea, 0, 1);
    range.number("min_pair_area", minPairArea, 0, 1);
    rendering.ifPresent(
        r -> range.most("scene.max_objects", r.scene().maxObjects(), "slots", slots));
    boolean share = validation > 0 && validation < 1;
    if (!share && !(validation >= 0 && validation == Math.rint(validation) && validation < 1e9)) {
      throw new IllegalArgumentException(
          "data.validation must be a share from 0 to below 1, or a whole number of clips, not "
              + validation);
    }
    range.whole("validation_steps", validationSteps, 1, Integer.MAX_VALUE);
    range.number("source_masking", sourceMasking, 0, 1);
    range.number("object_jitter", objectJitter, 0, 1);
  }

  /**
   * Reads the part "data" of a preset.
   *
   * @throws IllegalArgumentException naming the key, if one is missing, unknown or out of range
   */
  public static DataConfig of(JsonNode data) {
    try {
      return read(data);
    } catch (IllegalArgumentException e) {
      String told = e.getMessage();
      throw told.startsWith("preset") ? e : new IllegalArgumentException("preset: " + told, e);
    }
  }

  private static DataConfig read(JsonNode data) {
    checkKeys(data, "data", KEYS);
    return new DataConfig(
        integer(data, "slots"),
        integer(data, "min_gap"),
        integer(data, "max_gap"),
        number(data, "flip_probability"),
        number(data, "min_object_area", 0),
        number(data, "min_pair_area", 0),
        STREAM_KEYS.stream().anyMatch(data::has) ? stream(data) : Stream.DEFAULT,
        RENDERING_KEYS.stream().anyMatch(data::has)
            ? Optional.of(rendering(data))
            : Optional.empty(),
        number(data, "validation", 0),
        data.has("validation_steps") ? integer(data, "validation_steps") : VALIDATION_STEPS,
        number(data, "source_masking", 0),
        number(data, "object_jitter", 0));
  }

  /** The same for pairs whose source frames are used as they are. */
  public DataConfig withWholeSources() {
    return new DataConfig(
        slots,
        minGap,
        maxGap,
        flipProbability,
        minObjectArea,
        minPairArea,
        stream,
        rendering,
        validation,
        validationSteps);
  }

  private static Stream stream(JsonNode data) {
    return new Stream(
        integer(data, "initial_clips"), number(data, "clips_per_step"), integer(data, "max_clips"));
  }

  private static Rendering rendering(JsonNode data) {
    JsonNode scene = data.get("scene");
    checkKeys(scene, "data.scene", SCENE_KEYS);
    return new Rendering(
        integer(data, "samples_per_side"),
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
            number(scene, "pattern_contrast", 1))); // presets that predate it had plain colors
  }

  /**
   * The scenes to render.
   *
   * @throws IllegalArgumentException if the preset has none
   */
  public SceneConfig scene() {
    return rendered().scene();
  }

  /** As {@link #scene}, with how they are rendered. */
  Rendering rendered() {
    return rendering.orElseThrow(
        () ->
            new IllegalArgumentException(
                "preset: \"data.scene\" is missing: this preset renders no scenes, and wants a data"
                    + " set (--data PATH)"));
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
      String place = SCENE_KEYS.contains(key) ? "data.scene" : "data";
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "preset: \"%s\" is missing under \"%s\"", key, place));
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

  private static double number(JsonNode node, String key, double otherwise) {
    return node.has(key) ? number(node, key) : otherwise;
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
    try {
      return new Range(value.get(0).doubleValue(), value.get(1).doubleValue());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("preset: \"" + key + "\": " + e.getMessage(), e);
    }
  }
}
