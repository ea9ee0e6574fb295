package nacre.neuralassets.render;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * The ray tracer of described scenes. It has no state: safe on any thread, and the same call gives
 * the same bytes on every run.
 */
public final class SceneRenderer {
  private static final byte[] DISPLAY = displayCurve();

  private SceneRenderer() {}

  /**
   * Renders every frame of a clip.
   *
   * @param samples rays a pixel along each side; 2 means 2×2
   */
  public static Scene render(SceneDescription scene, int width, int height, int samples) {
    List<SceneFrame> frames = new ArrayList<>(scene.frames());
    for (int t = 0; t < scene.frames(); t++) {
      frames.add(renderFrame(scene, t, width, height, samples));
    }
    List<Scene.Entity> entities =
        scene.objects().stream().map(s -> new Scene.Entity(s.name(), s.isDynamic())).toList();
    return new Scene(width, height, Vec3.UNIT_Z, entities, frames);
  }

  /** Renders one frame; see {@link #render}. */
  public static SceneFrame renderFrame(
      SceneDescription scene, int frame, int width, int height, int samples) {
    if (width < 1 || height < 1 || samples < 1 || samples > 16) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "render: size %d×%d with %d×%d samples; sizes must be at least 1, samples 1 to 16",
              width,
              height,
              samples,
              samples));
    }
    if (scene.objects().size() > 63) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "render: %d objects, at most 63", scene.objects().size()));
    }
    Camera camera = scene.cameras().get(frame).forAspect(width, height);
    Solids solids = new Solids(scene.objects(), frame, camera, width, height);
    byte[] rgb = new byte[3 * width * height];
    byte[] segmentation = new byte[width * height];
    trace(scene, camera, solids, width, height, samples, rgb, segmentation);
    List<Box3> boxes =
        scene.objects().stream().map(s -> Box3.of(s.poses().get(frame), s.halfExtents())).toList();
    return SceneFrame.of(
        camera, ObjectView.ofSegmentation(boxes, segmentation, width, height), rgb, segmentation);
  }

  private static void trace(
      SceneDescription scene,
      Camera camera,
      Solids solids,
      int width,
      int height,
      int samples,
      byte[] rgb,
      byte[] segmentation) {
    RigidPose pose = camera.cameraToWorld();
    double[] m = pose.rotation().toMatrix();
    Vec3 eye = pose.translation();
    Tracer tracer = new Tracer(solids, scene, eye.x(), eye.y(), eye.z());
    double[] suns = suns(scene.light(), samples);
    int rays = samples * samples;
    int[] votes = new int[solids.count + 1];
    double fx = camera.intrinsics().fx();
    double fy = camera.intrinsics().fy();
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < width; col++) {
        long candidates = 0;
        for (int i = 0; i < solids.count; i++) {
          if (col >= solids.left[i]
              && col <= solids.right[i]
              && row >= solids.top[i]
              && row <= solids.bottom[i]) {
            candidates |= 1L << i;
          }
        }
        double red = 0;
        double green = 0;
        double blue = 0;
        for (int s = 0; s < rays; s++) {
          double u = (col + (s % samples + 0.5) / samples) / width;
          double v = (row + (s / samples + 0.5) / samples) / height;
          double x = (u - camera.intrinsics().cx()) / fx;
          double y = (camera.intrinsics().cy() - v) / fy;
          double scale = 1 / Math.sqrt(x * x + y * y + 1);
          double dx = (m[0] * x + m[1] * y - m[2]) * scale;
          double dy = (m[3] * x + m[4] * y - m[5]) * scale;
          double dz = (m[6] * x + m[7] * y - m[8]) * scale;
          tracer.trace(candidates, dx, dy, dz, suns[3 * s], suns[3 * s + 1], suns[3 * s + 2]);
          red += tracer.red;
          green += tracer.green;
          blue += tracer.blue;
          votes[tracer.seen + 1]++;
        }
        int pixel = row * width + col;
        rgb[3 * pixel] = display(red / rays);
        rgb[3 * pixel + 1] = display(green / rays);
        rgb[3 * pixel + 2] = display(blue / rays);
        segmentation[pixel] = winner(votes);
      }
    }
  }

  /** The label with most votes; an object wins a tie with the background. Clears the votes. */
  private static byte winner(int[] votes) {
    int best = votes.length - 1;
    for (int i = votes.length - 2; i >= 0; i--) {
      if (votes[i] > votes[best]) {
        best = i;
      }
    }
    Arrays.fill(votes, 0);
    return (byte) best;
  }

  /** One direction towards the sun for each ray of a pixel: together they sample its disc. */
  private static double[] suns(SceneDescription.Light light, int samples) {
    Vec3 l = light.towardsSun();
    Vec3 side = new Vec3(-l.y(), l.x(), 0);
    side = side.length() > 1e-9 ? side.normalized() : new Vec3(1, 0, 0);
    Vec3 other = l.cross(side);
    int rays = samples * samples;
    double[] suns = new double[3 * rays];
    for (int s = 0; s < rays; s++) {
      // Sunflower points; a stride that shares no factor with the count breaks up the order, so
      // that neighboring rays sample distant parts of the sun.
      double angle = s * 2.399963229728653;
      double radius = samples == 1 ? 0 : light.softness() * Math.sqrt((s + 0.5) / rays);
      Vec3 sun =
          l.plus(side.times(radius * StrictMath.cos(angle)))
              .plus(other.times(radius * StrictMath.sin(angle)))
              .normalized();
      suns[3 * s] = sun.x();
      suns[3 * s + 1] = sun.y();
      suns[3 * s + 2] = sun.z();
    }
    return suns;
  }

  private static byte display(double linear) {
    int index = (int) (linear * (DISPLAY.length - 1) + 0.5);
    return DISPLAY[Math.min(index, DISPLAY.length - 1)];
  }

  /** Linear light to display bytes (sRGB). */
  private static byte[] displayCurve() {
    byte[] curve = new byte[8192];
    for (int i = 0; i < curve.length; i++) {
      double l = (double) i / (curve.length - 1);
      double s = l <= 0.0031308 ? 12.92 * l : 1.055 * StrictMath.pow(l, 1 / 2.4) - 0.055;
      curve[i] = (byte) Math.round(255 * s);
    }
    return curve;
  }
}
