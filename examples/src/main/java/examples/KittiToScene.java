package examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.diffusion.image.RgbImage;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.SceneWriter;
import nacre.neuralassets.scene.Vec3;

/**
 * Makes a scene folder of 3D boxes in the camera's axes, as KITTI's tracking benchmark has them:
 * {@code LABELS.txt CALIBRATION.txt PICTURES OUT}. These files do not tell how the car itself
 * moves, so the world is the camera's; where poses are known, cameras and boxes are moved by them.
 */
public final class KittiToScene {
  private static final Vec3 UP = new Vec3(0, 1, 0);

  /** Takes a box's axes, x along it and z up, to the camera's, X right and Y up, at angle 0. */
  private static final Quaternion LYING =
      Quaternion.ofColumns(new Vec3(1, 0, 0), new Vec3(0, 0, -1), new Vec3(0, 1, 0));

  public static void main(String[] args) throws IOException {
    String calibration = Files.readString(Path.of(args[1]));
    String[] p2 = calibration.substring(calibration.indexOf("P2")).split("\\s+");
    // Three rows of four: focal lengths, center and offset in pixels.
    double[] p = Stream.of(p2).skip(1).limit(12).mapToDouble(Double::parseDouble).toArray();
    Map<String, Box3> boxes = new HashMap<>(); // by frame and track
    TreeSet<Integer> tracks = new TreeSet<>();
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      String[] w = line.split("\\s+");
      if (w[2].equals("Car") || w[2].equals("Van") || w[2].equals("Truck")) {
        double[] v = Stream.of(w).skip(10).limit(7).mapToDouble(Double::parseDouble).toArray();
        Vec3 half = new Vec3(v[2] / 2, v[1] / 2, v[0] / 2); // from height, width, length
        double x =
            v[3]
                + (p[3] - p[2] * p[11]) / p[0]; // of the middle of the bottom; y is down, z forward
        Vec3 center = new Vec3(x, v[0] / 2 - v[4] - (p[7] - p[6] * p[11]) / p[5], -v[5] - p[11]);
        Quaternion turn = Quaternion.about(UP, -v[6]).after(LYING);
        boxes.put(w[0] + " " + w[1], Box3.of(new RigidPose(turn, center), half));
        tracks.add(Integer.valueOf(w[1]));
      }
    }
    List<SceneFrame> frames = new ArrayList<>();
    List<Path> pictures;
    try (Stream<Path> files = Files.list(Path.of(args[2]))) {
      pictures = files.sorted().toList();
    }
    RgbImage image = null;
    for (Path picture : pictures) {
      image = RgbImage.of(ImageIO.read(picture.toFile()));
      double w = image.width();
      double h = image.height();
      Intrinsics lens = new Intrinsics(p[0] / w, p[5] / h, p[2] / w, p[6] / h);
      Camera camera = new Camera(RigidPose.IDENTITY, lens);
      List<ObjectView> views = new ArrayList<>();
      for (int track : tracks) {
        Box3 box = boxes.get(frames.size() + " " + track);
        boolean isSeen = box != null && box.minDepth(camera) > 0;
        views.add(isSeen ? new ObjectView(box, box.extent(camera), -1) : ObjectView.ABSENT);
      }
      frames.add(SceneFrame.of(camera, views, image.rgb(), null));
    }
    var entities = tracks.stream().map(track -> new Scene.Entity("car-" + track, true)).toList();
    Scene scene = new Scene(image.width(), image.height(), UP, entities, frames);
    SceneWriter.write(scene, Path.of(args[3]));
    System.out.println(frames.size() + " frames with " + scene.names());
  }
}
