package nacre.neuralassets.data;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;

/**
 * A video clip prepared for drawing training pairs: frames of the size of the model's images, and
 * in each frame the objects' boxes and poses in that frame's own camera. Of a scene in memory all
 * frames are prepared at once, and the scene is let go; of one that lies in a data set each frame
 * is when it is asked for. What is asked for twice is the same. Several threads may ask at once.
 */
public final class Clip {
  /** The length of a 2D box: y0, x0, y1, x1. */
  static final int BOX = 4;

  /** What a 3D box of a scene takes in memory, about. */
  private static final int BOX_BYTES = 600;

  private final String name;
  private final int size;
  private final List<Camera> cameras;
  private final List<Integer> objects;
  private final byte[][] rgb;
  private final float[][] boxes;
  private final float[][] poses;

  /** The number of frames whose pictures are there. */
  private int prepared;

  /** The scene that frames are still to be taken from; null if all are prepared. */
  private final Scene scene;

  private Clip(String name, Scene scene, int size, int slots) {
    this.name = name;
    this.size = size;
    this.cameras = scene.frames().stream().map(SceneFrame::camera).toList();
    this.objects = largest(scene, slots);
    rgb = new byte[cameras.size()][];
    boxes = new float[cameras.size()][];
    poses = new float[cameras.size()][];
    this.scene = scene.isDecoded() ? null : scene;
    if (scene.isDecoded()) {
      for (int t = 0; t < cameras.size(); t++) {
        SceneFrame frame = scene.frames().get(t);
        rgb[t] = Resize.area(frame.rgb(), scene.width(), scene.height(), size);
        boxes[t] = boxes(frame);
        poses[t] = poses(frame);
      }
      prepared = cameras.size();
    }
  }

  /** A clip all of whose frames are prepared. */
  Clip(
      String name,
      int size,
      List<Camera> cameras,
      List<Integer> objects,
      byte[][] rgb,
      float[][] boxes,
      float[][] poses) {
    this.name = name;
    this.size = size;
    this.cameras = List.copyOf(cameras);
    this.objects = List.copyOf(objects);
    this.rgb = rgb;
    this.boxes = boxes;
    this.poses = poses;
    this.scene = null;
    this.prepared = rgb.length;
  }

  /**
   * The clip of a scene. Frames of another size are resized; those that are not square are
   * squeezed, which agrees with poses and boxes, as both are in image units.
   *
   * @param name for messages
   * @param slots objects that the model has room for; of more, the largest in the image are taken,
   *     and the others belong to the background
   */
  public static Clip of(String name, Scene scene, int size, int slots) {
    return new Clip(name, scene, size, slots);
  }

  private float[] boxes(SceneFrame frame) {
    float[] all = new float[BOX * objects.size()];
    List<ObjectView> views = frame.views();
    for (int i = 0; i < objects.size(); i++) {
      ObjectView view = views.get(objects.get(i));
      if (view.isPresent()) {
        System.arraycopy(view.box2().toArray(), 0, all, BOX * i, BOX);
      }
    }
    return all;
  }

  private float[] poses(SceneFrame frame) {
    float[] all = new float[PoseVector.LENGTH * objects.size()];
    List<Box3> present = frame.boxes();
    for (int i = 0; i < objects.size(); i++) {
      Box3 box = present.get(objects.get(i));
      if (box != null) {
        float[] pose = PoseVector.ofBox(box, frame.camera());
        System.arraycopy(pose, 0, all, PoseVector.LENGTH * i, PoseVector.LENGTH);
      }
    }
    return all;
  }

  /** Indices of the scene's objects that have a slot, in the scene's order. */
  static List<Integer> largest(Scene scene, int slots) {
    List<Integer> all = IntStream.range(0, scene.entities().size()).boxed().toList();
    if (all.size() <= slots) {
      return all;
    }
    double[] area = new double[all.size()];
    for (SceneFrame frame : scene.frames()) {
      List<ObjectView> views = frame.views();
      for (int i = 0; i < area.length; i++) {
        Box2 box = views.get(i).box2();
        area[i] += (box.y1() - box.y0()) * (box.x1() - box.x0());
      }
    }
    all = new ArrayList<>(all);
    all.sort(Comparator.comparingDouble((Integer i) -> -area[i]).thenComparing(i -> i));
    return all.subList(0, slots).stream().sorted().toList();
  }

  /** The name in messages. */
  public String name() {
    return name;
  }

  /** Width and height of the frames. */
  public int size() {
    return size;
  }

  /** The memory that the frames which are prepared take, and about what is kept of the others. */
  synchronized long bytes() {
    long frames = prepared * 3L * size * size;
    return isWhole() ? frames : frames + (long) BOX_BYTES * objects.size() * rgb.length;
  }

  /** Whether all frames are prepared. */
  boolean isWhole() {
    return scene == null;
  }

  /** Number of frames. */
  public int frames() {
    return cameras.size();
  }

  /** Number of objects that have a slot. */
  public int objects() {
    return objects.size();
  }

  /** The scene's indices of the objects that have a slot, in the order of their slots. */
  public List<Integer> sceneIndices() {
    return objects;
  }

  /** The camera of a frame. */
  public Camera camera(int frame) {
    return cameras.get(frame);
  }

  /**
   * Packed bytes [size, size, 3], not to be changed.
   *
   * @throws UncheckedIOException in one line, if the frame cannot be read
   */
  public byte[] rgb(int frame) {
    synchronized (this) {
      if (scene == null || rgb[frame] != null) {
        return rgb[frame];
      }
    }
    byte[] pixels = scene.frames().get(frame).rgb();
    byte[] resized = Resize.area(pixels, scene.width(), scene.height(), size);
    synchronized (this) {
      prepared += rgb[frame] == null ? 1 : 0;
      rgb[frame] = resized;
    }
    return resized;
  }

  /**
   * Reads a frame, unless it was read.
   *
   * @throws UncheckedIOException in one line, if it cannot be read
   */
  void load(int frame) {
    rgb(frame);
    boxes(frame);
  }

  /** The same with left and right exchanged, as mirrored pairs use it. */
  public byte[] mirrored(int frame) {
    return Mirror.frame(rgb(frame), size);
  }

  /**
   * 2D boxes [objects × 4], zeros for what is not visible; not to be changed.
   *
   * @throws UncheckedIOException in one line, if the frame cannot be read
   */
  public synchronized float[] boxes(int frame) {
    if (boxes[frame] == null) {
      boxes[frame] = boxes(scene.frames().get(frame));
    }
    return boxes[frame];
  }

  /** The share of the image that an object's 2D box covers in a frame. */
  double area(int frame, int object) {
    float[] all = boxes(frame);
    int at = BOX * object;
    return (double) (all[at + 2] - all[at]) * (all[at + 3] - all[at + 1]);
  }

  /** Pose vectors [objects × 12] in the frame's own camera, zeros for what is absent. */
  public synchronized float[] poses(int frame) {
    if (poses[frame] == null) {
      poses[frame] = poses(scene.frames().get(frame));
    }
    return poses[frame];
  }

  /** Whether the camera or an object differs in pose between two frames. */
  public boolean changes(int one, int other) {
    if (!cameras.get(one).equals(cameras.get(other))) {
      return true;
    }
    float[] before = poses(one);
    float[] after = poses(other);
    for (int k = 0; k < before.length; k++) {
      if (Math.abs(before[k] - after[k]) > 1e-4f) {
        return true;
      }
    }
    return false;
  }
}
