package nacre.neuralassets.render;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import nacre.neuralassets.render.SceneDescription.Coat;
import nacre.neuralassets.render.SceneDescription.Ground;
import nacre.neuralassets.render.SceneDescription.GroundKind;
import nacre.neuralassets.render.SceneDescription.Light;
import nacre.neuralassets.render.SceneDescription.Pattern;
import nacre.neuralassets.render.SceneDescription.Solid;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/**
 * A generator of random clips: solid objects on a ground, a camera on an arc around them, some
 * objects moving and turning. A clip depends on nothing but (configuration, seed, index):
 * trigonometry is StrictMath's, so that it does not depend on the machine either.
 */
public final class SceneGenerator {
  /** The version, raised whenever the same numbers give another clip. */
  public static final int VERSION = 2;

  /** Kubric's lens: focal length 35 on a sensor of 32 by 32. */
  private static final Intrinsics LENS = Intrinsics.ofLens(35, 32, 32);

  /** Room left between the circles in which objects stand. */
  public static final double GAP = 0.08;

  /** Number of places tried for one object before the layout is abandoned. */
  private static final int ATTEMPTS = 60;

  /** Number of layouts tried, each with objects smaller by {@link #SHRINK}. */
  private static final int LAYOUTS = 60;

  private static final double SHRINK = 0.97;

  private final SceneConfig config;
  private final long seed;

  /** A generator of clips of one kind; clips of different seeds have nothing in common. */
  public SceneGenerator(SceneConfig config, long seed) {
    this.config = config;
    this.seed = seed;
  }

  /** Returns the kind of clips made. */
  public SceneConfig config() {
    return config;
  }

  /** Returns the seed. */
  public long seed() {
    return seed;
  }

  /**
   * Describes one clip. Safe to call from any thread.
   *
   * @throws IllegalArgumentException if the configuration asks for more than there is room for
   */
  public SceneDescription describe(long index) {
    CounterRandom random = new CounterRandom(seed, index);
    List<Camera> cameras = cameras(random);
    Light light = light(random);
    Ground ground = ground(random);
    List<Solid> objects = objects(random, cameras);
    return new SceneDescription(cameras, objects, ground, light);
  }

  private List<Camera> cameras(CounterRandom random) {
    boolean still = random.chance(config.staticCameraFraction());
    double sweep = still ? 0 : Math.toRadians(random.in(config.cameraSweep())) * random.sign();
    double climb = still ? 0 : Math.toRadians(random.in(config.cameraClimb())) * random.sign();
    double azimuth = random.between(0, 2 * Math.PI);
    double elevation = Math.toRadians(random.in(config.cameraElevation()));
    double distance = random.in(config.cameraDistance());
    Vec3 target =
        new Vec3(
            random.between(-0.15, 0.15), random.between(-0.15, 0.15), random.between(0.55, 0.9));
    List<Camera> cameras = new ArrayList<>(config.frames());
    for (int t = 0; t < config.frames(); t++) {
      double s = progress(t) - 0.5;
      double a = azimuth + s * sweep;
      double e = elevation + s * climb;
      Vec3 direction =
          new Vec3(
              StrictMath.cos(e) * StrictMath.cos(a),
              StrictMath.cos(e) * StrictMath.sin(a),
              StrictMath.sin(e));
      Vec3 eye = target.plus(direction.times(distance));
      cameras.add(new Camera(RigidPose.lookAt(eye, target, Vec3.UNIT_Z), LENS));
    }
    return cameras;
  }

  /** The relative time of frame t in the clip: 0 at the first, 1 at the last. */
  private double progress(int t) {
    return config.frames() == 1 ? 0 : (double) t / (config.frames() - 1);
  }

  private static Light light(CounterRandom random) {
    double azimuth = random.between(0, 2 * Math.PI);
    double height = Math.toRadians(random.between(38, 62));
    Vec3 towards =
        new Vec3(
            StrictMath.cos(height) * StrictMath.cos(azimuth),
            StrictMath.cos(height) * StrictMath.sin(azimuth),
            StrictMath.sin(height));
    double warmth = random.nextDouble();
    Rgb sun = new Rgb(1.0, 0.95, 0.88).mix(new Rgb(1.0, 0.86, 0.68), warmth);
    Rgb zenith = Rgb.ofDisplay(72, 128, 208).mix(Rgb.ofDisplay(96, 150, 214), random.nextDouble());
    Rgb horizon = Rgb.ofDisplay(206, 224, 240).mix(Rgb.ofDisplay(246, 220, 190), warmth);
    return new Light(towards, 0.04, sun, horizon, zenith);
  }

  private static Ground ground(CounterRandom random) {
    // Muted on purpose: the strong colors are the objects'.
    Rgb[] tones = {
      Rgb.ofDisplay(176, 160, 134),
      Rgb.ofDisplay(150, 152, 156),
      Rgb.ofDisplay(134, 150, 118),
      Rgb.ofDisplay(186, 172, 156),
      Rgb.ofDisplay(122, 134, 150),
      Rgb.ofDisplay(164, 136, 118),
      Rgb.ofDisplay(200, 196, 188),
      Rgb.ofDisplay(110, 112, 104)
    };
    Rgb first = random.pick(tones);
    Rgb other = random.pick(tones);
    Rgb second = first.mix(other, 0.5).times(random.between(0.5, 0.75));
    return new Ground(
        random.pick(GroundKind.values()),
        first,
        second,
        random.between(1.1, 2.2),
        random.between(0, Math.PI),
        random.between(0, 10),
        random.between(0, 10),
        random.nextLong());
  }

  /** Tries new layouts, with objects a little smaller each time, until all have room. */
  private List<Solid> objects(CounterRandom random, List<Camera> cameras) {
    int wanted =
        config.minObjects() + random.nextInt(config.maxObjects() - config.minObjects() + 1);
    List<NamedColor> colors = shuffled(NamedColor.values(), random);
    List<Shape> shapes = shuffled(Shape.values(), random);
    for (int layout = 0; layout < LAYOUTS; layout++) {
      double scale = StrictMath.pow(SHRINK, layout);
      List<Solid> placed = new ArrayList<>();
      for (int i = 0; i < wanted; i++) {
        NamedColor color = colors.get(i % colors.size());
        Shape shape = shapes.get(i % shapes.size());
        String name = uniqueName(color.label() + "-" + shape.label(), placed);
        Coat coat = coat(random, color, config.patternContrast());
        Solid solid = place(random, name, shape, coat, scale, cameras, placed);
        if (solid == null) {
          break;
        }
        placed.add(solid);
      }
      if (placed.size() == wanted) {
        return placed;
      }
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "data.scene: no room for %d objects within spread %s; lower max_objects, or raise"
                + " spread",
            wanted,
            config.spread()));
  }

  private static <T> List<T> shuffled(T[] items, CounterRandom random) {
    List<T> list = new ArrayList<>(Arrays.asList(items));
    for (int i = list.size() - 1; i > 0; i--) {
      Collections.swap(list, i, random.nextInt(i + 1));
    }
    return list;
  }

  private static String uniqueName(String name, List<Solid> taken) {
    String candidate = name;
    for (int n = 2; contains(taken, candidate); n++) {
      candidate = name + "-" + n;
    }
    return candidate;
  }

  private static boolean contains(List<Solid> solids, String name) {
    return solids.stream().anyMatch(s -> s.name().equals(name));
  }

  private static Coat coat(CounterRandom random, NamedColor color, double contrast) {
    Rgb base = color.rgb();
    Rgb white = NamedColor.WHITE.rgb();
    Rgb black = NamedColor.BLACK.rgb();
    Rgb second =
        switch (color) {
          case WHITE -> black.mix(white, random.between(0.02, 0.2));
          case BLACK, BLUE, PURPLE -> white.mix(base, random.between(0, 0.25));
          case YELLOW, CYAN, PINK, ORANGE -> black.mix(base, random.between(0, 0.2));
          default -> random.chance(0.5) ? white : black;
        };
    return new Coat(random.pick(Pattern.values()), base, base.mix(second, contrast));
  }

  /** Tries places until the object is free of the others in every frame; null if none is found. */
  private Solid place(
      CounterRandom random,
      String name,
      Shape shape,
      Coat coat,
      double scale,
      List<Camera> cameras,
      List<Solid> others) {
    double radius = random.in(config.objectRadius()) * scale;
    boolean moves = random.chance(config.dynamicFraction());
    if (others.isEmpty() && cameras.getFirst().equals(cameras.getLast())) {
      // If the camera is static, something must move, or all frames of the clip would be the same.
      moves = config.dynamicFraction() > 0;
    }
    boolean standing = shape == Shape.TORUS && random.chance(0.5);
    Vec3 half = extents(random, shape, radius);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      Solid solid = new Solid(name, shape, half, coat, motion(random, half, standing, moves));
      if (fits(solid, cameras, others)) {
        return solid;
      }
    }
    return null;
  }

  /** Half extents of a shape that stands in a circle of the given radius. */
  private static Vec3 extents(CounterRandom random, Shape shape, double r) {
    return switch (shape) {
      case BOX -> {
        double angle = Math.toRadians(random.between(32, 58));
        yield new Vec3(
            r * StrictMath.cos(angle), r * StrictMath.sin(angle), r * random.between(0.5, 1.0));
      }
      case SPHERE -> new Vec3(0.85 * r, 0.85 * r, 0.85 * r);
      case CYLINDER -> new Vec3(0.75 * r, 0.75 * r, r * random.between(0.6, 1.0));
      case CONE -> new Vec3(0.85 * r, 0.85 * r, r * random.between(0.8, 1.1));
      case TORUS -> new Vec3(r, r, r * random.between(0.26, 0.34));
    };
  }

  private List<RigidPose> motion(CounterRandom random, Vec3 half, boolean standing, boolean moves) {
    // Uniform over the disc in which objects may stand.
    double distance = config.spread() * Math.sqrt(random.nextDouble());
    double direction = random.between(0, 2 * Math.PI);
    double height = standing ? half.y() : half.z();
    Vec3 middle =
        new Vec3(
            distance * StrictMath.cos(direction), distance * StrictMath.sin(direction), height);
    double heading = random.between(0, 2 * Math.PI);
    double course = random.between(0, 2 * Math.PI);
    double travel = moves ? random.in(config.travel()) : 0;
    double turn = moves ? Math.toRadians(random.in(config.turn())) * random.sign() : 0;
    Vec3 way = new Vec3(travel * StrictMath.cos(course), travel * StrictMath.sin(course), 0);
    Quaternion stance =
        standing ? Quaternion.about(new Vec3(1, 0, 0), Math.PI / 2) : Quaternion.IDENTITY;
    List<RigidPose> poses = new ArrayList<>(config.frames());
    for (int t = 0; t < config.frames(); t++) {
      double s = progress(t) - 0.5;
      Quaternion rotation = Quaternion.about(Vec3.UNIT_Z, heading + s * turn).after(stance);
      poses.add(new RigidPose(rotation, middle.plus(way.times(s))));
    }
    return poses;
  }

  private boolean fits(Solid solid, List<Camera> cameras, List<Solid> others) {
    double radius = groundRadius(solid);
    for (int t = 0; t < cameras.size(); t++) {
      Vec3 at = solid.poses().get(t).translation();
      if (StrictMath.hypot(at.x(), at.y()) > config.spread() || !inView(cameras.get(t), at)) {
        return false;
      }
      for (Solid other : others) {
        Vec3 there = other.poses().get(t).translation();
        double room = radius + groundRadius(other) + GAP;
        if (StrictMath.hypot(at.x() - there.x(), at.y() - there.y()) < room) {
          return false;
        }
      }
    }
    return true;
  }

  /** Radius of the upright cylinder that holds the object however it turns about the vertical. */
  public static double groundRadius(Solid solid) {
    Vec3 h = solid.halfExtents();
    return switch (solid.shape()) {
      case BOX -> StrictMath.hypot(h.x(), h.y());
      case SPHERE, CYLINDER, CONE, TORUS -> h.x();
    };
  }

  private static boolean inView(Camera camera, Vec3 center) {
    Projection p = camera.project(center);
    return p.depth() > 0 && p.u() > 0.12 && p.u() < 0.88 && p.v() > 0.12 && p.v() < 0.88;
  }
}
