package nacre.neuralassets.scene;

import java.util.List;

/**
 * One frame of a scene. The arrays are not copied: they belong to the frame and must not be
 * changed.
 *
 * @param camera the camera that took it
 * @param views one for each of the scene's objects, in the scene's order
 * @param rgb packed bytes [height, width, 3]
 * @param segmentation bytes [height, width]: 0 background, i + 1 object i; null if not known
 */
public record SceneFrame(Camera camera, List<ObjectView> views, byte[] rgb, byte[] segmentation) {
  /** Copies the list of views. */
  public SceneFrame {
    views = List.copyOf(views);
  }
}
