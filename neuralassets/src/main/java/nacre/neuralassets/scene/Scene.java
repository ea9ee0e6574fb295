package nacre.neuralassets.scene;

import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * A video clip with annotations: the frames, their cameras, and the objects in them.
 *
 * @param width of every frame, in pixels
 * @param height of every frame, in pixels
 * @param up unit vector that points up in the world
 * @param entities the objects; every frame has its views in this order
 */
public record Scene(
    int width, int height, Vec3 up, List<Entity> entities, List<SceneFrame> frames) {

  /**
   * An object of the scene.
   *
   * @param name unique in the scene
   * @param isDynamic true if it moves in the world
   */
  public record Entity(String name, boolean isDynamic) {}

  /** Copies the lists and checks that names are unique and that all parts fit together. */
  public Scene {
    entities = List.copyOf(entities);
    frames = List.copyOf(frames);
    Set<String> names = new HashSet<>();
    for (Entity entity : entities) {
      if (!names.add(entity.name())) {
        throw new IllegalArgumentException("two objects are named " + entity.name());
      }
    }
    for (int t = 0; t < frames.size(); t++) {
      SceneFrame frame = frames.get(t);
      int views = frame.boxes().size();
      if (views != entities.size()) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "frame %d has %d views, the scene %d objects",
                t,
                views,
                entities.size()));
      }
      if (frame instanceof SceneFrame.Decoded decoded) {
        checkLength(t, "rgb", decoded.rgb(), 3 * width * height);
        if (decoded.segmentation() != null) {
          checkLength(t, "segmentation", decoded.segmentation(), width * height);
        }
      }
    }
  }

  private static void checkLength(int frame, String what, byte[] bytes, int want) {
    if (bytes.length != want) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "frame %d: %s has %d bytes, the size asks for %d",
              frame,
              what,
              bytes.length,
              want));
    }
  }

  /** Whether all frames are in memory; otherwise their pictures are read when asked for. */
  public boolean isDecoded() {
    return frames.stream().allMatch(SceneFrame.Decoded.class::isInstance);
  }

  /** Names as they are, but for copies of one, which end in _2, _3 and so on. */
  public static List<String> distinct(List<String> names) {
    Set<String> distinct = new LinkedHashSet<>();
    for (String wanted : names) {
      String name = wanted;
      for (int copy = 2; !distinct.add(name); copy++) {
        name = wanted + "_" + copy;
      }
    }
    return List.copyOf(distinct);
  }

  /** Returns the names of the objects, in order. */
  public List<String> names() {
    return entities.stream().map(Entity::name).toList();
  }

  /** Returns the position of the named object, or −1. */
  public int indexOf(String name) {
    return names().indexOf(name);
  }
}
