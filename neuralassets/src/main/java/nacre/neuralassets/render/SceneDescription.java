package nacre.neuralassets.render;

import java.util.List;
import java.util.Locale;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/**
 * The description of a clip from which it is rendered, at any resolution. World axes: z up, the
 * ground at z = 0.
 *
 * @param cameras one per frame
 * @param objects each with one pose per frame
 */
public record SceneDescription(
    List<Camera> cameras, List<Solid> objects, Ground ground, Light light) {

  /** Copies the lists and checks that every object has a pose in every frame. */
  public SceneDescription {
    cameras = List.copyOf(cameras);
    objects = List.copyOf(objects);
    for (Solid solid : objects) {
      if (solid.poses().size() != cameras.size()) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "object %s has %d poses, the clip has %d frames",
                solid.name(),
                solid.poses().size(),
                cameras.size()));
      }
    }
  }

  /** Number of frames. */
  public int frames() {
    return cameras.size();
  }

  /**
   * A solid object.
   *
   * @param name unique in the scene
   * @param halfExtents half the sides of its bounding box in its own axes
   * @param poses center and rotation in each frame
   */
  public record Solid(
      String name, Shape shape, Vec3 halfExtents, Coat coat, List<RigidPose> poses) {
    /** Copies the poses and checks what the shape demands of its extents. */
    public Solid {
      poses = List.copyOf(poses);
      Vec3 h = halfExtents;
      if (!(h.x() > 0 && h.y() > 0 && h.z() > 0)) {
        throw new IllegalArgumentException("object " + name + " has no volume: " + h);
      }
      if (shape == Shape.TORUS && (h.x() != h.y() || h.z() >= h.x() / 2 + 1e-9)) {
        throw new IllegalArgumentException(
            "a torus needs equal x and y extents of at least twice its z extent, got " + h);
      }
    }

    /** True if the object's pose is not the same in all frames. */
    public boolean isDynamic() {
      return poses.stream().anyMatch(p -> !p.equals(poses.getFirst()));
    }
  }

  /** The pattern on an object's surface; every pattern lets one see which way the object faces. */
  public enum Pattern {
    /** The side towards the object's +x in the second color. */
    PATCH,
    /** Upright stripes. */
    STRIPES,
    /** Level bands, and a patch on one side. */
    BANDS,
    /** A coarse checkerboard. */
    CHECKER,
    /** A round spot on each side, the one at +x larger. */
    DOTS
  }

  /** An object's paint. */
  public record Coat(Pattern pattern, Rgb base, Rgb second) {}

  /** The pattern on the ground. */
  public enum GroundKind {
    PLAIN,
    CHECKER,
    STRIPES,
    NOISE,
    TILES,
    RINGS
  }

  /**
   * The ground plane z = 0.
   *
   * @param scale size of the pattern's cells in scene units
   * @param angle the pattern's rotation in radians
   * @param offsetX where the pattern begins
   * @param offsetY where the pattern begins
   * @param seed chooses the noise
   */
  public record Ground(
      GroundKind kind,
      Rgb first,
      Rgb second,
      double scale,
      double angle,
      double offsetX,
      double offsetY,
      long seed) {}

  /**
   * Sun and sky.
   *
   * @param towardsSun unit vector
   * @param softness angular radius of the sun in radians; 0 gives hard shadows
   */
  public record Light(Vec3 towardsSun, double softness, Rgb sun, Rgb horizon, Rgb zenith) {}
}
