package examples;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import javax.imageio.ImageIO;
import nacre.diffusion.image.RgbImage;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.SceneWriter;
import nacre.neuralassets.scene.Vec3;

/**
 * Makes a scene folder of pictures with 2D boxes in the manner of COCO and of a camera that stands
 * still: {@code ANNOTATIONS.json PICTURES FOCAL HEIGHT PITCH OUT}, the focal length in pixels, the
 * camera's height above the ground, and by how many degrees it looks down. The 3D boxes are a
 * guess: things stand on the ground, are as deep as wide, and fill their 2D boxes. Annotations of
 * the same thing have the same {@code track_id}.
 */
public final class CocoToScene {
  public static void main(String[] args) throws IOException {
    JsonNode coco = new ObjectMapper().readTree(Path.of(args[0]).toFile());
    double focal = Double.parseDouble(args[2]);
    Quaternion level = Quaternion.about(new Vec3(1, 0, 0), Math.PI / 2); // looks along y, z is up
    double pitch = -Math.toRadians(Double.parseDouble(args[4]));
    Quaternion down = Quaternion.about(new Vec3(1, 0, 0), pitch);
    Vec3 eye = new Vec3(0, 0, Double.parseDouble(args[3]));
    TreeSet<Integer> tracks = new TreeSet<>();
    coco.get("annotations").forEach(a -> tracks.add(a.get("track_id").intValue()));
    List<SceneFrame> frames = new ArrayList<>();
    RgbImage image = null;
    for (JsonNode entry : coco.get("images")) {
      Path picture = Path.of(args[1], entry.get("file_name").textValue());
      image = RgbImage.of(ImageIO.read(picture.toFile()));
      double w = image.width();
      double h = image.height();
      Intrinsics lens = new Intrinsics(focal / w, focal / h, 0.5, 0.5);
      Camera camera = new Camera(new RigidPose(down.after(level), eye), lens);
      ObjectView[] views = new ObjectView[tracks.size()];
      Arrays.fill(views, ObjectView.ABSENT);
      for (JsonNode a : coco.get("annotations")) {
        if (a.get("image_id").equals(entry.get("id"))) {
          JsonNode b = a.get("bbox"); // left, top, width, height in pixels
          double x = b.get(0).doubleValue() / w;
          double y = b.get(1).doubleValue() / h;
          Box2 seen =
              new Box2(y, x, y + b.get(3).doubleValue() / h, x + b.get(2).doubleValue() / w);
          int slot = tracks.headSet(a.get("track_id").intValue()).size();
          views[slot] = new ObjectView(standing(camera, seen), seen, -1);
        }
      }
      frames.add(SceneFrame.of(camera, List.of(views), image.rgb(), null));
    }
    var entities = tracks.stream().map(track -> new Scene.Entity("thing-" + track, true)).toList();
    Scene scene = new Scene(image.width(), image.height(), Vec3.UNIT_Z, entities, frames);
    SceneWriter.write(scene, Path.of(args[5]));
    System.out.println(frames.size() + " frames with " + scene.names());
  }

  /** The front of the box is where the bottom of the rectangle meets the ground. */
  private static Box3 standing(Camera camera, Box2 seen) {
    Vec3 eye = camera.cameraToWorld().translation();
    double middle = (seen.x0() + seen.x1()) / 2;
    Vec3 ray = camera.unproject(new Projection(middle, seen.y1(), 1)).minus(eye);
    double depth = -eye.z() / ray.z();
    Vec3 foot = eye.plus(ray.times(depth));
    double width = (seen.x1() - seen.x0()) * depth / camera.intrinsics().fx();
    Vec3 top = camera.unproject(new Projection(middle, seen.y0(), 1)).minus(eye);
    double height = eye.z() + top.z() * (foot.y() - eye.y()) / top.y();
    Vec3 half = new Vec3(width / 2, width / 2, Math.max(height, 0.01) / 2);
    Vec3 center = foot.plus(new Vec3(0, half.y(), half.z()));
    return Box3.of(new RigidPose(Quaternion.IDENTITY, center), half);
  }
}
