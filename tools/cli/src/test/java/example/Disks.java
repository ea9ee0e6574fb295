package example;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/** A data set of one's own: red disks that fly past a camera, as many clips as a file says. */
record Disks(String file, int size) implements ClipSource {
  private static final int SIDE = 20;
  private static final int FRAMES = 4;

  @Override
  public Scene scene(int index) {
    List<SceneFrame> frames = new ArrayList<>();
    for (int t = 0; t < FRAMES; t++) {
      frames.add(frame(new Vec3(0.4 * t - 0.6, 0.3 * index - 0.3, 0)));
    }
    List<Scene.Entity> objects = List.of(new Scene.Entity("disk", true));
    return new Scene(SIDE, SIDE, new Vec3(0, 1, 0), objects, frames);
  }

  /** A camera four units away that looks along −Z, and a disk of radius 0.5. */
  private static SceneFrame frame(Vec3 center) {
    RigidPose eye = RigidPose.lookAt(new Vec3(0, 0, 4), Vec3.ZERO, new Vec3(0, 1, 0));
    Camera camera = new Camera(eye, Intrinsics.ofLens(35, 32, 32));
    byte[] rgb = new byte[SIDE * SIDE * 3];
    byte[] segmentation = new byte[SIDE * SIDE];
    for (int i = 0; i < segmentation.length; i++) {
      double u = (i % SIDE + 0.5) / SIDE - camera.project(center).u();
      double v = (i / SIDE + 0.5) / SIDE - camera.project(center).v();
      boolean inside = Math.hypot(u, v) < 0.5 / 4 * camera.intrinsics().fx();
      segmentation[i] = (byte) (inside ? 1 : 0);
      rgb[3 * i] = (byte) (inside ? 255 : 30);
    }
    Box3 box = Box3.of(new RigidPose(RigidPose.IDENTITY.rotation(), center), new Vec3(.5, .5, .1));
    var views = ObjectView.ofSegmentation(List.of(box), segmentation, SIDE, SIDE);
    return SceneFrame.of(camera, views, rgb, segmentation);
  }

  @Override
  public String describe() {
    return "disks as in " + file;
  }

  /** Opens files that end in {@code .disks}, and hold a number. */
  public static final class Provider implements ClipSourceProvider {
    @Override
    public String name() {
      return "disks";
    }

    @Override
    public boolean recognizes(Path path) {
      return path.toString().endsWith(".disks");
    }

    @Override
    public ClipSource open(String location, Request request) throws IOException {
      return new Disks(location, Integer.parseInt(Files.readString(Path.of(location)).strip()));
    }
  }
}
