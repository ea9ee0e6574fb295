package nacre.neuralassets.scene;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * One frame of a scene, in memory or in a file of a data set, from which its pictures are decoded
 * when they are asked for. Several threads may ask at once. Arrays must not be changed.
 */
public interface SceneFrame {
  /** The camera that took it. */
  Camera camera();

  /** The 3D box of each of the scene's objects, in the scene's order; null where it is absent. */
  default List<Box3> boxes() {
    return ObjectView.boxes(views());
  }

  /**
   * The view of each of the scene's objects, in the scene's order.
   *
   * @throws UncheckedIOException in one line, if they cannot be read
   */
  List<ObjectView> views();

  /**
   * Packed bytes {@code [height, width, 3]}.
   *
   * @throws UncheckedIOException in one line, if they cannot be read
   */
  byte[] rgb();

  /**
   * Bytes {@code [height, width]}: 0 background, i + 1 object i; null if not known.
   *
   * @throws UncheckedIOException in one line, if they cannot be read
   */
  byte[] segmentation();

  /**
   * A frame in memory.
   *
   * @param views one for each of the scene's objects, in the scene's order
   * @param rgb packed bytes [height, width, 3]
   * @param segmentation bytes [height, width]: 0 background, i + 1 object i; null if not known
   */
  static SceneFrame of(Camera camera, List<ObjectView> views, byte[] rgb, byte[] segmentation) {
    return new Decoded(camera, views, rgb, segmentation);
  }

  /** A frame in memory. */
  record Decoded(Camera camera, List<ObjectView> views, byte[] rgb, byte[] segmentation)
      implements SceneFrame {
    /** Copies the list of views. */
    public Decoded {
      views = List.copyOf(views);
    }
  }

  /** A frame whose pictures are read from a data set each time they are asked for. */
  abstract class Stored implements SceneFrame {
    private final Camera camera;
    private final List<Box3> boxes;

    /**
     * A frame with what is known without decoding a picture.
     *
     * @param boxes one for each of the scene's objects; null where it is absent
     */
    protected Stored(Camera camera, List<Box3> boxes) {
      this.camera = camera;
      this.boxes = boxes;
    }

    @Override
    public final Camera camera() {
      return camera;
    }

    @Override
    public final List<Box3> boxes() {
      return boxes;
    }

    /** Reads the views; those that need no picture may be kept. */
    protected abstract List<ObjectView> readViews() throws IOException;

    /** Reads the picture, packed bytes {@code [height, width, 3]} of the scene's size. */
    protected abstract byte[] readRgb() throws IOException;

    /** Reads the segmentation; null if there is none. */
    protected byte[] readSegmentation() throws IOException {
      return null;
    }

    @Override
    public final List<ObjectView> views() {
      try {
        return readViews();
      } catch (IOException e) {
        throw new UncheckedIOException(e.getMessage(), e);
      }
    }

    @Override
    public final byte[] rgb() {
      try {
        return readRgb();
      } catch (IOException e) {
        throw new UncheckedIOException(e.getMessage(), e);
      }
    }

    @Override
    public final byte[] segmentation() {
      try {
        return readSegmentation();
      } catch (IOException e) {
        throw new UncheckedIOException(e.getMessage(), e);
      }
    }
  }
}
