package nacre.neuralassets.scene;

import java.util.ArrayList;
import java.util.List;

/**
 * The view of one object in one frame.
 *
 * @param box3 its box in the world, or null if the object is absent from this frame
 * @param box2 the part of the image where it is visible, empty if it is not
 * @param visiblePixels the number of pixels that show it, −1 if not known
 */
public record ObjectView(Box3 box3, Box2 box2, int visiblePixels) {
  /** The view of an object that is not in the frame. */
  public static final ObjectView ABSENT = new ObjectView(null, Box2.EMPTY, 0);

  /** The 3D boxes of views; null where the object is absent. */
  public static List<Box3> boxes(List<ObjectView> views) {
    return views.stream().map(ObjectView::box3).toList();
  }

  /** True if the object has a pose in this frame, visible or not. */
  public boolean isPresent() {
    return box3 != null;
  }

  /** True if some of the object is visible in this frame. */
  public boolean isVisible() {
    return !box2.isEmpty();
  }

  /**
   * Views of all objects, with 2D boxes around their visible pixels, bottom and right edges
   * exclusive, as MOVi has them.
   *
   * @param boxes one 3D box an object; null where it is absent
   * @param segmentation one byte a pixel, row by row: 0 background, i + 1 object i
   */
  public static List<ObjectView> ofSegmentation(
      List<Box3> boxes, byte[] segmentation, int width, int height) {
    int n = boxes.size();
    int[] pixels = new int[n];
    int[] top = new int[n];
    int[] bottom = new int[n];
    int[] left = new int[n];
    int[] right = new int[n];
    for (int i = 0; i < n; i++) {
      top[i] = height;
      left[i] = width;
    }
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < width; col++) {
        int i = (segmentation[row * width + col] & 0xFF) - 1;
        if (i >= 0 && i < n) {
          pixels[i]++;
          top[i] = Math.min(top[i], row);
          bottom[i] = row + 1;
          left[i] = Math.min(left[i], col);
          right[i] = Math.max(right[i], col + 1);
        }
      }
    }
    List<ObjectView> views = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      Box2 box =
          pixels[i] == 0
              ? Box2.EMPTY
              : new Box2(
                  (double) top[i] / height,
                  (double) left[i] / width,
                  (double) bottom[i] / height,
                  (double) right[i] / width);
      views.add(new ObjectView(boxes.get(i), box, pixels[i]));
    }
    return views;
  }
}
