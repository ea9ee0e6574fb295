package nacre.evaluation.baseline;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import nacre.evaluation.EditCase;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditParser;
import nacre.neuralassets.edit.EditedScene;
import nacre.neuralassets.edit.SceneLibrary;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * Boxes whose six faces have a color each, on the ground z = 0, painted without light: a picture of
 * which every pixel is known. Painted by filling the faces' outlines, the farthest box first.
 */
final class PaintedScene {
  static final int SIZE = 64;
  private static final int PLACES = 4;

  /** The color of the ground at a place of the world. */
  interface Ground {
    double[] at(double x, double y);
  }

  /**
   * A box.
   *
   * @param faces colors of −x, +x, −y, +y, −z, +z
   */
  record Painted(String name, Box3 box, double[][] faces) {}

  private final Ground ground;
  private final List<Painted> boxes = new ArrayList<>();
  private final List<SceneFrame> frames = new ArrayList<>();

  PaintedScene(Ground ground) {
    this.ground = ground;
  }

  /** A ground of one color. */
  static PaintedScene on(double red, double green, double blue) {
    return new PaintedScene((_, _) -> new double[] {red, green, blue});
  }

  /** A camera that looks at the origin from a place. */
  static Camera camera(double x, double y, double z) {
    RigidPose pose = RigidPose.lookAt(new Vec3(x, y, z), Vec3.ZERO, Vec3.UNIT_Z);
    return new Camera(pose, new Intrinsics(1.1, 1.1, 0.5, 0.5));
  }

  static final Camera FRONT = camera(0, -9, 5);

  PaintedScene box(String name, Vec3 place, Vec3 size, double[]... faces) {
    RigidPose pose = new RigidPose(Quaternion.IDENTITY, place);
    boxes.add(new Painted(name, Box3.of(pose, size.times(0.5)), faces));
    return this;
  }

  /** A box of one color. */
  PaintedScene plain(String name, Vec3 place, double size, double... color) {
    double[][] faces = new double[6][];
    Arrays.fill(faces, color);
    return box(name, place, new Vec3(size, size, size), faces);
  }

  /** Adds a frame with the boxes where they are. */
  PaintedScene frame(Camera camera, boolean segmented) {
    List<Box3> places = boxes.stream().map(Painted::box).toList();
    byte[] labels = new byte[SIZE * SIZE];
    byte[] rgb = paint(camera, places, labels);
    List<ObjectView> views = ObjectView.ofSegmentation(places, labels, SIZE, SIZE);
    frames.add(SceneFrame.of(camera, views, rgb, segmented ? labels : null));
    return this;
  }

  SceneView view(int source, int target) {
    List<Scene.Entity> entities =
        boxes.stream().map(b -> new Scene.Entity(b.name(), false)).toList();
    Scene scene = new Scene(SIZE, SIZE, Vec3.UNIT_Z, entities, frames);
    return new SceneView("painted", scene, Clip.of("painted", scene, SIZE, 8), source, target);
  }

  /** A case of edits of the first frame, with its truth where no other scene is needed. */
  EditCase edit(String edits, SceneLibrary library) {
    List<Edit> parsed = EditParser.parse(edits);
    SceneView view = view(0, 0);
    EditedScene after = EditedScene.apply(view.scene(), 0, parsed);
    List<Box3> places = after.slots().stream().map(EditedScene.Slot::box).toList();
    byte[] truth = paint(after.camera(), places, new byte[SIZE * SIZE]);
    return new EditCase("case", "edit", view, parsed, library, truth, new float[] {0, 0, 1, 1});
  }

  EditCase edit(String edits) {
    return edit(
        edits,
        _ -> {
          throw new AssertionError("no other scene is needed");
        });
  }

  byte[] paint(Camera camera, List<Box3> places, byte[] labels) {
    double[] sum = new double[SIZE * SIZE * 3];
    int[][] votes = new int[SIZE * SIZE][places.size() + 1];
    List<Integer> order =
        IntStream.range(0, places.size())
            .boxed()
            .filter(i -> places.get(i) != null)
            .sorted(Comparator.comparingDouble(i -> camera.project(places.get(i).center()).depth()))
            .toList();
    for (int k = 0; k < SIZE * SIZE * PLACES * PLACES; k++) {
      int pixel = k / (PLACES * PLACES);
      int place = k % (PLACES * PLACES);
      double u = (pixel % SIZE + (place % PLACES + 0.5) / PLACES) / SIZE;
      double v = (pixel / SIZE + (place / PLACES + 0.5) / PLACES) / SIZE;
      double[] color = null;
      int owner = 0;
      for (int i = 0; color == null && i < order.size(); i++) {
        color = color(camera, boxes.get(order.get(i)), places.get(order.get(i)), u, v);
        owner = color == null ? 0 : order.get(i) + 1;
      }
      if (color == null) {
        Vec3 eye = camera.cameraToWorld().translation();
        Vec3 ray = camera.unproject(new Projection(u, v, 1)).minus(eye);
        Vec3 at = eye.plus(ray.times(-eye.z() / ray.z()));
        color = ground.at(at.x(), at.y());
      }
      votes[pixel][owner]++;
      for (int c = 0; c < 3; c++) {
        sum[3 * pixel + c] += color[c] / (PLACES * PLACES);
      }
    }
    byte[] rgb = new byte[sum.length];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) Math.round(255 * sum[i]);
    }
    for (int i = 0; i < labels.length; i++) {
      for (int k = 1; k < votes[i].length; k++) {
        labels[i] = votes[i][k] > votes[i][labels[i]] ? (byte) k : labels[i];
      }
    }
    return rgb;
  }

  /** Corners of the faces −x, +x, −y, +y, −z, +z, around each. */
  private static final int[][] FACES = {
    {0, 1, 3, 2}, {4, 5, 7, 6}, {0, 1, 5, 4}, {2, 3, 7, 6}, {0, 2, 6, 4}, {1, 3, 7, 5}
  };

  private static double[] color(Camera camera, Painted painted, Box3 box, double u, double v) {
    for (int face = 0; face < 6; face++) {
      Vec3 middle = Vec3.ZERO;
      for (int corner : FACES[face]) {
        middle = middle.plus(box.corner(corner).times(0.25));
      }
      Vec3 outwards = middle.minus(box.center());
      boolean isSeen = camera.cameraToWorld().translation().minus(middle).dot(outwards) > 0;
      if (isSeen && holds(camera, box, FACES[face], u, v)) {
        return painted.faces()[face];
      }
    }
    return null;
  }

  private static boolean holds(Camera camera, Box3 box, int[] face, double u, double v) {
    int left = 0;
    for (int i = 0; i < 4; i++) {
      Projection a = camera.project(box.corner(face[i]));
      Projection b = camera.project(box.corner(face[(i + 1) % 4]));
      left += (b.u() - a.u()) * (v - a.v()) - (b.v() - a.v()) * (u - a.u()) > 0 ? 1 : 0;
    }
    return left == 0 || left == 4;
  }
}
