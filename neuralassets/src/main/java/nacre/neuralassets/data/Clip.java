package nacre.neuralassets.data;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;

/**
 * A video clip prepared for drawing training pairs: frames of the size of the model's images, and
 * in each frame the objects' boxes and poses in that frame's own camera. Immutable.
 */
public final class Clip {
  /** The length of a 2D box: y0, x0, y1, x1. */
  static final int BOX = 4;

  private final String name;
  private final int size;
  private final List<Camera> cameras;
  private final List<Integer> objects;
  private final byte[][] rgb;
  private final float[][] boxes;
  private final float[][] poses;

  private Clip(String name, int size, List<Camera> cameras, List<Integer> objects) {
    this.name = name;
    this.size = size;
    this.cameras = cameras;
    this.objects = objects;
    rgb = new byte[cameras.size()][];
    boxes = new float[cameras.size()][BOX * objects.size()];
    poses = new float[cameras.size()][PoseVector.LENGTH * objects.size()];
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
    List<Camera> cameras = scene.frames().stream().map(SceneFrame::camera).toList();
    Clip clip = new Clip(name, size, cameras, largest(scene, slots));
    for (int t = 0; t < cameras.size(); t++) {
      SceneFrame frame = scene.frames().get(t);
      clip.rgb[t] = Resize.area(frame.rgb(), scene.width(), scene.height(), size);
      for (int i = 0; i < clip.objects.size(); i++) {
        ObjectView view = frame.views().get(clip.objects.get(i));
        if (view.isPresent()) {
          System.arraycopy(view.box2().toArray(), 0, clip.boxes[t], BOX * i, BOX);
          float[] pose = PoseVector.ofBox(view.box3(), frame.camera());
          System.arraycopy(pose, 0, clip.poses[t], PoseVector.LENGTH * i, PoseVector.LENGTH);
        }
      }
    }
    return clip;
  }

  /** Indices of the scene's objects that have a slot, in the scene's order. */
  static List<Integer> largest(Scene scene, int slots) {
    List<Integer> all = new ArrayList<>();
    double[] area = new double[scene.entities().size()];
    for (int i = 0; i < area.length; i++) {
      all.add(i);
      for (SceneFrame frame : scene.frames()) {
        var box = frame.views().get(i).box2();
        area[i] += (box.y1() - box.y0()) * (box.x1() - box.x0());
      }
    }
    all.sort(Comparator.comparingDouble((Integer i) -> -area[i]).thenComparing(i -> i));
    return all.subList(0, Math.min(slots, all.size())).stream().sorted().toList();
  }

  /** The name in messages. */
  public String name() {
    return name;
  }

  /** Width and height of the frames. */
  public int size() {
    return size;
  }

  /** The memory that its frames take. */
  long bytes() {
    return 3L * size * size * frames();
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

  /** Packed bytes [size, size, 3], not to be changed. */
  public byte[] rgb(int frame) {
    return rgb[frame];
  }

  /** The same with left and right exchanged, as mirrored pairs use it. */
  public byte[] mirrored(int frame) {
    return Mirror.frame(rgb[frame], size);
  }

  /** 2D boxes [objects × 4], zeros for what is not visible; not to be changed. */
  public float[] boxes(int frame) {
    return boxes[frame];
  }

  /** Pose vectors [objects × 12] in the frame's own camera, zeros for what is absent. */
  public float[] poses(int frame) {
    return poses[frame];
  }

  /** Whether the camera or an object differs in pose between two frames. */
  public boolean changes(int one, int other) {
    if (!cameras.get(one).equals(cameras.get(other))) {
      return true;
    }
    for (int k = 0; k < poses[one].length; k++) {
      if (Math.abs(poses[one][k] - poses[other][k]) > 1e-4f) {
        return true;
      }
    }
    return false;
  }
}
