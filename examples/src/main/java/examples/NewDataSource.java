package examples;

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

/**
 * A data source of one's own: clips of a red disc that flies past a camera. Its jar names the
 * provider in {@code META-INF/services/nacre.neuralassets.data.ClipSourceProvider}, and then {@code
 * nacre train --data discs:8} trains on eight of them.
 */
public record NewDataSource(int size) implements ClipSource {
  private static final int SIDE = 32;
  private static final int FRAMES = 4;

  @Override
  public Scene scene(int index) {
    List<SceneFrame> frames = new ArrayList<>();
    for (int t = 0; t < FRAMES; t++) {
      frames.add(frame(new Vec3(0.4 * t - 0.6, 0.1 * index - 0.3, 0)));
    }
    return new Scene(
        SIDE, SIDE, new Vec3(0, 1, 0), List.of(new Scene.Entity("disc", true)), frames);
  }

  private static SceneFrame frame(Vec3 center) {
    RigidPose eye = RigidPose.lookAt(new Vec3(0, 0, 4), Vec3.ZERO, new Vec3(0, 1, 0));
    Camera camera = new Camera(eye, Intrinsics.ofLens(35, 32, 32));
    byte[] rgb = new byte[SIDE * SIDE * 3];
    byte[] segmentation = new byte[SIDE * SIDE];
    for (int i = 0; i < segmentation.length; i++) {
      double u = (i % SIDE + 0.5) / SIDE - camera.project(center).u();
      double v = (i / SIDE + 0.5) / SIDE - camera.project(center).v();
      if (Math.hypot(u, v) < 0.5 / 4 * camera.intrinsics().fx()) {
        segmentation[i] = 1;
        rgb[3 * i] = (byte) 255;
      }
    }
    Box3 box = Box3.of(new RigidPose(RigidPose.IDENTITY.rotation(), center), new Vec3(.5, .5, .1));
    var views = ObjectView.ofSegmentation(List.of(box), segmentation, SIDE, SIDE);
    return SceneFrame.of(camera, views, rgb, segmentation);
  }

  @Override
  public String describe() {
    return size + " clips of a disc";
  }

  /** Opens {@code discs:NUMBER}. */
  public static final class Provider implements ClipSourceProvider {
    @Override
    public String name() {
      return "discs";
    }

    @Override
    public ClipSource open(String location, Request request) {
      return new NewDataSource(Integer.parseInt(location));
    }
  }

  public static void main(String[] args) {
    Scene scene = new NewDataSource(1).scene(0);
    scene.frames().forEach(frame -> System.out.println(frame.views().getFirst()));
  }
}
