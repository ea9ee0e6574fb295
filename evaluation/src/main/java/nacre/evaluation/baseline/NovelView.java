package nacre.evaluation.baseline;

import java.util.ArrayList;
import java.util.List;
import nacre.evaluation.threedit.ThreeDit;
import nacre.evaluation.threedit.ThreeDitSampler;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Vec3;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;

/**
 * An object seen from another side, as Zero-1-to-3 (Liu et al., 2023) draws it: the object is cut
 * out, centered on white and turned; what the model draws that is not white is the object again,
 * and takes the place that its new box has in the picture.
 *
 * @param sampler of a model without text
 */
public record NovelView(ThreeDitSampler sampler) {
  /** The share of the side of the model's pictures that an object fills. */
  private static final double FILLED = 200.0 / 256;

  /** What is darker than white by this is wholly the object. */
  private static final double SOLID = 0.1;

  /** Checks the model. */
  public NovelView {
    if (sampler.model().config().text().isPresent()) {
      throw new IllegalArgumentException(
          "novel view: the model is 3DIT, which takes sentences; Zero-1-to-3 is wanted");
    }
  }

  /**
   * A box in a camera.
   *
   * @param up of the world
   */
  record Seen(Box3 box, Camera camera, Vec3 up) {
    /** Where the camera is, from the box's center, in the axes that {@code axes} has. */
    private Vec3 eye(List<Vec3> axes) {
      Vec3 away = camera.cameraToWorld().translation().minus(box.center());
      return new Vec3(away.dot(axes.get(0)), away.dot(axes.get(1)), away.dot(axes.get(2)));
    }

    private List<Vec3> axes() {
      List<Vec3> axes = new ArrayList<>();
      for (int corner : new int[] {4, 2, 1}) {
        axes.add(box.corner(corner).minus(box.corner(0)).normalized());
      }
      return axes;
    }

    /** A direction of the world in the box's axes. */
    private Vec3 inside(Vec3 direction) {
      List<Vec3> axes = axes();
      return new Vec3(
          direction.dot(axes.get(0)), direction.dot(axes.get(1)), direction.dot(axes.get(2)));
    }
  }

  /**
   * How the camera goes about the object from one view to another: the change of the angle from the
   * vertical, and of the angle about it, in radians.
   */
  record Turn(double polar, double azimuth) {
    /** The turn between two views of one object, whose vertical is the first view's. */
    static Turn between(Seen from, Seen to) {
      Vec3 up = from.inside(from.up()).normalized();
      Vec3 before = from.eye(from.axes()).normalized();
      Vec3 after = to.eye(to.axes()).normalized();
      Vec3 flatBefore = before.minus(up.times(before.dot(up)));
      Vec3 flatAfter = after.minus(up.times(after.dot(up)));
      double polar =
          Math.acos(Math.clamp(after.dot(up), -1, 1))
              - Math.acos(Math.clamp(before.dot(up), -1, 1));
      double azimuth = Math.atan2(flatBefore.cross(flatAfter).dot(up), flatBefore.dot(flatAfter));
      return new Turn(polar, azimuth);
    }

    /** T as Zero-1-to-3 takes it; the distance does not change, since the paste sets the size. */
    float[] numbers() {
      return new float[] {(float) polar, (float) Math.sin(azimuth), (float) Math.cos(azimuth), 0};
    }

    /** The larger of both, in degrees. */
    double degrees() {
      return Math.toDegrees(Math.max(Math.abs(polar), Math.abs(azimuth)));
    }
  }

  /**
   * Draws an object from another side.
   *
   * @param picture {@code [S, S, 3]} in [0, 1]
   * @param share {@code [S, S]} of each pixel that shows the object
   * @return what is pasted; null if the picture does not show the object, or the model draws
   *     nothing
   */
  Layer draw(
      float[] picture, float[] share, int size, Seen from, Seen to, long seed, Runnable eachStep) {
    Frame shown = Frame.around(share, size);
    if (shown == null) {
      return null;
    }
    int side = sampler.model().config().imageSize();
    float[] drawn =
        turned(onWhite(picture, share, size, shown, side), Turn.between(from, to), seed, eachStep);
    float[] solid = new float[side * side];
    for (int i = 0; i < solid.length; i++) {
      float least = Math.min(drawn[3 * i], Math.min(drawn[3 * i + 1], drawn[3 * i + 2]));
      solid[i] = (float) Math.clamp((1 - least) / SOLID, 0, 1);
    }
    Frame view = Frame.around(solid, side);
    Frame place = shown.moved(Frame.of(from.box(), from.camera()), Frame.of(to.box(), to.camera()));
    return view == null
        ? null
        : new Pasted(drawn, solid, side, view, place, new BoxRays(to.box(), to.camera()));
  }

  /** The object on white, in the middle of a picture of another size. */
  static float[] onWhite(float[] picture, float[] share, int size, Frame shown, int side) {
    double extent = Math.max(shown.u1 - shown.u0, shown.v1 - shown.v0) / FILLED;
    double left = (shown.u0 + shown.u1 - extent) / 2;
    double top = (shown.v0 + shown.v1 - extent) / 2;
    float[] white = new float[side * side * 3];
    double[] rgba = new double[4];
    for (int i = 0; i < side * side; i++) {
      double u = left + extent * (i % side + 0.5) / side;
      double v = top + extent * (i / side + 0.5) / side;
      boolean inside = u >= 0 && u <= 1 && v >= 0 && v <= 1;
      if (inside) {
        Pictures.sample(picture, share, size, u, v, rgba);
      }
      for (int c = 0; c < 3; c++) {
        white[3 * i + c] = (float) (inside ? rgba[c] + 1 - rgba[3] : 1);
      }
    }
    return white;
  }

  /** What the model draws, {@code [V, V, 3]} in [0, 1]. */
  private float[] turned(float[] object, Turn turn, long seed, Runnable eachStep) {
    ThreeDit model = sampler.model();
    Device device = model.device();
    try (Scope _ = Scope.open()) {
      Tensor seen = model.pictures(object);
      Tensor numbers = Tensor.of(device, Shape.of(1, ThreeDit.NUMBERS), turn.numbers());
      Tensor drawn =
          sampler.sample(
              model.context(model.tokens(null, seen), numbers),
              model.source(seen),
              noise(seed, 0),
              step -> noise(seed, step + 1),
              _ -> eachStep.run());
      return Ops.clamp(Ops.affine(drawn, 0.5, 0.5), 0, 1).toFloats();
    }
  }

  private Tensor noise(long seed, int stream) {
    ThreeDit model = sampler.model();
    Tensor noise = Tensor.empty(model.device(), DType.F32, model.latents(1));
    model.device().backend().normal(seed, stream, noise);
    return noise;
  }

  /** A rectangle of a picture, in image units, not clipped. */
  record Frame(double u0, double v0, double u1, double v1) {
    private static final double VISIBLE = 0.5;

    /** The rectangle around what is shared by more than a half; null if nothing is. */
    static Frame around(float[] share, int size) {
      int left = size;
      int right = 0;
      int top = size;
      int bottom = 0;
      for (int i = 0; i < share.length; i++) {
        if (share[i] > VISIBLE) {
          left = Math.min(left, i % size);
          right = Math.max(right, i % size + 1);
          top = Math.min(top, i / size);
          bottom = i / size + 1;
        }
      }
      double s = size;
      return right == 0 ? null : new Frame(left / s, top / s, right / s, bottom / s);
    }

    /** The rectangle around a box. */
    static Frame of(Box3 box, Camera camera) {
      double u0 = Double.POSITIVE_INFINITY;
      double v0 = Double.POSITIVE_INFINITY;
      double u1 = Double.NEGATIVE_INFINITY;
      double v1 = Double.NEGATIVE_INFINITY;
      for (Vec3 corner : box.corners()) {
        var at = camera.project(corner);
        u0 = Math.min(u0, at.u());
        v0 = Math.min(v0, at.v());
        u1 = Math.max(u1, at.u());
        v1 = Math.max(v1, at.v());
      }
      return new Frame(u0, v0, u1, v1);
    }

    /** The rectangle that lies in {@code to} as this one does in {@code from}. */
    Frame moved(Frame from, Frame to) {
      return new Frame(
          along(u0, from.u0, from.u1, to.u0, to.u1),
          along(v0, from.v0, from.v1, to.v0, to.v1),
          along(u1, from.u0, from.u1, to.u0, to.u1),
          along(v1, from.v0, from.v1, to.v0, to.v1));
    }

    static double along(double at, double a, double b, double c, double d) {
      return c + (at - a) / (b - a) * (d - c);
    }
  }

  /** A drawn view in its place. */
  private record Pasted(
      float[] picture, float[] share, int size, Frame view, Frame place, BoxRays box)
      implements Layer {
    @Override
    public double look(double u, double v, double[] rgba) {
      rgba[3] = 0;
      double x = Frame.along(u, place.u0, place.u1, view.u0, view.u1);
      double y = Frame.along(v, place.v0, place.v1, view.v0, view.v1);
      if (!(x >= view.u0 && x <= view.u1 && y >= view.v0 && y <= view.v1)) {
        return Double.POSITIVE_INFINITY;
      }
      Pictures.sample(picture, share, size, x, y, rgba);
      BoxRays.Hit hit = box.hit(u, v);
      return hit == null ? box.depth() : hit.depth();
    }
  }
}
