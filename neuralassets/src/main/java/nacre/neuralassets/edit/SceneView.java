package nacre.neuralassets.edit;

import java.util.Locale;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.scene.Scene;

/**
 * A scene with a source frame, which gives the appearance of objects, and a target frame.
 *
 * @param name how the user named the scene: a number or a folder
 * @param scene at its own size
 * @param clip the scene at the size of the model's images
 * @param source index of the source frame
 * @param target index of the target frame, whose camera and poses edits start from
 */
public record SceneView(String name, Scene scene, Clip clip, int source, int target) {
  /** Checks that there are such frames. */
  public SceneView {
    requireFrame(name, scene, "source", source);
    requireFrame(name, scene, "target", target);
  }

  private static void requireFrame(String name, Scene scene, String what, int frame) {
    int frames = scene.frames().size();
    if (frame < 0 || frame >= frames) {
      throw new EditException(
          String.format(
              Locale.ROOT,
              "scene %s: there is no %s frame %d; frames are 0 to %d",
              name,
              what,
              frame,
              frames - 1));
    }
  }

  /**
   * A view whose frames lie an easy distance apart.
   *
   * @param size of the model's images
   * @param slots objects that the model has room for
   */
  public static SceneView of(String name, Scene scene, int size, int slots) {
    int frames = scene.frames().size();
    return new SceneView(
        name, scene, Clip.of(name, scene, size, slots), frames / 6, frames * 3 / 4);
  }

  /** The same scene seen in other frames. */
  public SceneView withFrames(int newSource, int newTarget) {
    return new SceneView(name, scene, clip, newSource, newTarget);
  }

  /** The slot of an object by the scene's index, −1 if it has none. */
  int slot(int sceneIndex) {
    return clip.sceneIndices().indexOf(sceneIndex);
  }
}
