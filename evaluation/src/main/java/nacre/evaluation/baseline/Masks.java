package nacre.evaluation.baseline;

import java.util.List;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;

/**
 * The pixels of a frame that show each object: those of the scene's segmentation where it has one,
 * as rendered scenes and MOVi do; else those where its 3D box is the nearest, as far as they lie in
 * its 2D box.
 *
 * @param size S, side of the picture in pixels
 * @param shares {@code [objects][S, S]}: from 0 to 1, the part of a pixel that shows the object
 */
record Masks(int size, float[][] shares) {
  /** The masks of a frame, at the size of a picture into which it is squeezed. */
  static Masks of(Scene scene, int frame, int size) {
    SceneFrame seen = scene.frames().get(frame);
    byte[] labels = seen.segmentation();
    float[][] shares = new float[scene.entities().size()][size * size];
    if (labels != null) {
      ofLabels(labels, scene.width(), scene.height(), size, shares);
    } else {
      ofBoxes(seen, size, shares);
    }
    return new Masks(size, shares);
  }

  private static void ofLabels(byte[] labels, int width, int height, int size, float[][] shares) {
    double area = (double) width / size * height / size;
    for (int y = 0; y < size; y++) {
      double top = (double) y * height / size;
      double bottom = (double) (y + 1) * height / size;
      for (int x = 0; x < size; x++) {
        double left = (double) x * width / size;
        double right = (double) (x + 1) * width / size;
        for (int row = (int) top; row < Math.min(height, Math.ceil(bottom)); row++) {
          double vertical = Math.min(bottom, row + 1) - Math.max(top, row);
          for (int col = (int) left; col < Math.min(width, Math.ceil(right)); col++) {
            int object = (labels[row * width + col] & 0xFF) - 1;
            if (object >= 0 && object < shares.length) {
              double horizontal = Math.min(right, col + 1) - Math.max(left, col);
              shares[object][y * size + x] += (float) (vertical * horizontal / area);
            }
          }
        }
      }
    }
  }

  private static void ofBoxes(SceneFrame seen, int size, float[][] shares) {
    List<ObjectView> views = seen.views();
    BoxRays[] boxes = new BoxRays[views.size()];
    for (int i = 0; i < boxes.length; i++) {
      ObjectView view = views.get(i);
      boxes[i] =
          view.isPresent() && view.isVisible() ? new BoxRays(view.box3(), seen.camera()) : null;
    }
    for (int y = 0; y < size; y++) {
      double v = (y + 0.5) / size;
      for (int x = 0; x < size; x++) {
        double u = (x + 0.5) / size;
        int nearest = -1;
        double depth = Double.POSITIVE_INFINITY;
        for (int i = 0; i < boxes.length; i++) {
          BoxRays.Hit hit =
              boxes[i] != null && holds(views.get(i).box2(), u, v) ? boxes[i].hit(u, v) : null;
          if (hit != null && hit.depth() < depth) {
            nearest = i;
            depth = hit.depth();
          }
        }
        if (nearest >= 0) {
          shares[nearest][y * size + x] = 1;
        }
      }
    }
  }

  private static boolean holds(Box2 box, double u, double v) {
    return u >= box.x0() && u < box.x1() && v >= box.y0() && v < box.y1();
  }

  /** The object of most of a pixel, −1 where the background has most of it. */
  int owner(int pixel) {
    int owner = -1;
    double most = 0;
    double background = 1;
    for (int i = 0; i < shares.length; i++) {
      background -= shares[i][pixel];
      if (shares[i][pixel] > most) {
        most = shares[i][pixel];
        owner = i;
      }
    }
    return most >= background ? owner : -1;
  }

  /**
   * The pixels to be filled when objects are cut out: theirs, and the ring around, in which their
   * color shines through.
   *
   * @param cut whether each object is cut out
   */
  boolean[] hole(boolean[] cut) {
    int ring = 1 + size / 128;
    boolean[] hole = new boolean[size * size];
    for (int i = 0; i < shares.length; i++) {
      for (int pixel = 0; cut[i] && pixel < hole.length; pixel++) {
        if (shares[i][pixel] > 0) {
          int row = pixel / size;
          int col = pixel % size;
          for (int y = Math.max(0, row - ring); y <= Math.min(size - 1, row + ring); y++) {
            for (int x = Math.max(0, col - ring); x <= Math.min(size - 1, col + ring); x++) {
              hole[y * size + x] = true;
            }
          }
        }
      }
    }
    return hole;
  }
}
