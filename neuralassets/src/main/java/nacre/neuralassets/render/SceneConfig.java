package nacre.neuralassets.render;

import nacre.weights.ConfigRange;

/**
 * The configuration of the generator of clips. All lengths are in scene units, all angles in
 * degrees.
 *
 * @param frames frames in a clip
 * @param minObjects fewest objects in a scene
 * @param maxObjects most objects in a scene
 * @param objectRadius range of an object's radius on the ground; where there is no room for all,
 *     some are made smaller
 * @param spread objects keep their centers within this distance of the middle
 * @param dynamicFraction share of objects that move
 * @param travel range of how far a moving object goes along the ground in the whole clip
 * @param turn range of how far a moving object turns about the vertical in the whole clip, either
 *     way
 * @param staticCameraFraction share of clips in which the camera stands still
 * @param cameraSweep range of the camera's way around the scene in the whole clip, either way
 * @param cameraDistance range of the distance from the camera to the middle
 * @param cameraElevation range of the camera's angle above the ground
 * @param cameraClimb range of the change of that angle in the whole clip, either way
 * @param patternContrast how far an object's second color is from its first, 0 to 1
 */
public record SceneConfig(
    int frames,
    int minObjects,
    int maxObjects,
    Range objectRadius,
    double spread,
    double dynamicFraction,
    Range travel,
    Range turn,
    double staticCameraFraction,
    Range cameraSweep,
    Range cameraDistance,
    Range cameraElevation,
    Range cameraClimb,
    double patternContrast) {

  private static final int MOST_OBJECTS = 255;

  /** A range of numbers, {@code min} and {@code max} included. */
  public record Range(double min, double max) {
    /** Checks the order. */
    public Range {
      if (!(min <= max)) {
        throw new IllegalArgumentException(
            "a range must not run backwards, nor hold what is no number: " + min + " to " + max);
      }
    }
  }

  /**
   * Checks what can be checked without generating a scene.
   *
   * @throws IllegalArgumentException naming the key
   */
  public SceneConfig {
    ConfigRange range = new ConfigRange("data.");
    range.whole("frames", frames, 1, 10_000);
    range = new ConfigRange("data.scene.");
    range.whole("min_objects", minObjects, 0, MOST_OBJECTS);
    range.whole("max_objects", maxObjects, 0, MOST_OBJECTS);
    range.most("min_objects", minObjects, "max_objects", maxObjects);
    within(range, "object_radius", objectRadius, 1e-3, 1000);
    range.number("spread", spread, 0, 1000);
    range.number("dynamic_fraction", dynamicFraction, 0, 1);
    within(range, "travel", travel, 0, 1000);
    within(range, "turn", turn, -1e5, 1e5);
    range.number("static_camera_fraction", staticCameraFraction, 0, 1);
    within(range, "camera_sweep", cameraSweep, -1e5, 1e5);
    within(range, "camera_distance", cameraDistance, 0, 1e4);
    within(range, "camera_elevation", cameraElevation, 0, 90);
    within(range, "camera_climb", cameraClimb, 0, 90);
    range.number("pattern_contrast", patternContrast, 0, 1);
    require(
        cameraDistance.min > spread,
        "camera_distance",
        cameraDistance.min,
        "above spread (" + spread + ")");
    require(
        cameraElevation.min - cameraClimb.max > 0 && cameraElevation.max + cameraClimb.max < 90,
        "camera_elevation",
        cameraElevation,
        "such that the camera stays between 0 and 90 degrees, camera_climb included");
  }

  private static void within(ConfigRange range, String key, Range of, double least, double most) {
    range.number(key, of.min, least, most);
    range.number(key, of.max, least, most);
  }

  /** Two to six objects, for data sets on disk and for viewing. */
  public static SceneConfig standard() {
    return demo().withObjects(2, 6).withPatternContrast(1);
  }

  /** Two to four large objects, which a small model can learn at 32 by 32 pixels in minutes. */
  public static SceneConfig demo() {
    return new SceneConfig(
        12,
        2,
        4,
        new Range(0.8, 1.2),
        2.2,
        0.6,
        new Range(0.8, 2.6),
        new Range(30, 150),
        0.25,
        new Range(20, 60),
        new Range(6.4, 7.6),
        new Range(22, 36),
        new Range(0, 6),
        0.3);
  }

  /** Returns this configuration with another number of objects. */
  public SceneConfig withObjects(int min, int max) {
    return new SceneConfig(
        frames,
        min,
        max,
        objectRadius,
        spread,
        dynamicFraction,
        travel,
        turn,
        staticCameraFraction,
        cameraSweep,
        cameraDistance,
        cameraElevation,
        cameraClimb,
        patternContrast);
  }

  /** Returns this configuration with another contrast of the objects' patterns. */
  public SceneConfig withPatternContrast(double contrast) {
    return new SceneConfig(
        frames,
        minObjects,
        maxObjects,
        objectRadius,
        spread,
        dynamicFraction,
        travel,
        turn,
        staticCameraFraction,
        cameraSweep,
        cameraDistance,
        cameraElevation,
        cameraClimb,
        contrast);
  }

  private static void require(boolean ok, String field, Object value, String want) {
    if (!ok) {
      throw new IllegalArgumentException(
          "data.scene." + field + " must be " + want + ", not " + value);
    }
  }
}
