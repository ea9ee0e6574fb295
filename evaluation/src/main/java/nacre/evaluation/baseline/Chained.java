package nacre.evaluation.baseline;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.Rgb;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.EditedScene;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;

/**
 * Steps that need no training for the task, one after the other, as the baseline of that name in
 * 3DIT's paper: cut the object out, move it with its box, fill what it leaves behind, paste it.
 *
 * <ul>
 *   <li>Objects are cut out by the scene's segmentation, else by the outlines of their boxes.
 *   <li>They are moved face by face: see {@link Cutout}. Where a {@link NovelView} is given, it
 *       draws those that are seen from elsewhere by 10 degrees or more. What replaces an object is
 *       cut out of that scene's frame in which its 2D box is largest. Objects that the source frame
 *       does not show are not drawn.
 *   <li>The hole is filled by an {@link Inpainter}. Shadows stay where they were.
 *   <li>The nearer of two boxes hides the other, pixel by pixel.
 *   <li>With another camera the ground moves by its plane's homography: see {@link GroundWarp}. It
 *       is taken to lie under the lowest object; a scene without objects keeps its picture.
 *   <li>Another scene's background is its source frame without its objects, seen as it was.
 * </ul>
 *
 * <p>With the camera still, pixels stay as they are where nothing that changes was or comes.
 */
public final class Chained implements EditingMethod {
  /**
   * The version of what it draws, which digests of stored pictures and values name: raised with
   * every change of its pictures.
   */
  public static final int VERSION = 1;

  /** Places along a side of a pixel at which objects are looked at. */
  private static final int PLACES = 4;

  /** Boxes that differ by less, in their longest edge, are the same. */
  private static final double SAME = 1e-6;

  /** Views of an object that differ by less, in degrees, are served by its box's faces. */
  private static final double TURNED = 10;

  private final Inpainter inpainter;
  private final NovelView views;

  /** The baseline that needs no weights. */
  public Chained() {
    this(new HarmonicFill());
  }

  /** The baseline with a way of filling holes, which it closes in the end. */
  public Chained(Inpainter inpainter) {
    this(inpainter, null);
  }

  /**
   * The baseline with a model that draws objects from other sides.
   *
   * @param inpainter which it closes in the end
   * @param views null for none
   */
  public Chained(Inpainter inpainter, NovelView views) {
    this.inpainter = inpainter;
    this.views = views;
  }

  @Override
  public String name() {
    String turns = views == null ? "" : ", Zero-1-to-3";
    return "Chained (" + inpainter.name() + turns + ")";
  }

  @Override
  public float[] draw(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep)
      throws IOException {
    return Pictures.joined(
        cases,
        (edit, i) -> {
          eachStep.run();
          return draw(edit, Seeds.of(seed, firstNumber + i), eachStep);
        });
  }

  private float[] draw(EditCase edit, long seed, Runnable eachStep) throws IOException {
    SceneView view = edit.view();
    int size = edit.size();
    SceneFrame before = view.scene().frames().get(view.source());
    EditedScene after = edit.edited();
    float[] picture = Rgb.floats(view.clip().rgb(view.source()));
    Masks masks = Masks.of(view.scene(), view.source(), size);
    boolean isStill = before.camera().equals(after.camera());
    boolean isOwn = after.background() == null;
    int count = after.slots().size();
    boolean[] changes = new boolean[count];
    List<Layer> pasted = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      EditedScene.Slot slot = after.slots().get(i);
      Box3 box = before.boxes().get(i);
      boolean stays = isStill && slot.donor() == null && same(box, slot.box());
      changes[i] = !stays;
      if (!slot.isPresent() || stays && isOwn) {
        continue;
      }
      Source source;
      if (slot.donor() != null) {
        source = lent(edit, slot.donor());
      } else if (box != null) {
        NovelView.Seen seen = new NovelView.Seen(box, before.camera(), view.scene().up());
        source = new Source(picture, masks.shares()[i], seen);
      } else {
        continue;
      }
      NovelView.Seen target = new NovelView.Seen(slot.box(), after.camera(), view.scene().up());
      pasted.add(layer(source, target, size, stays, Seeds.of(seed, i), eachStep));
    }
    if (!isOwn) {
      return paste(background(edit, after.background(), seed, eachStep), null, size, pasted);
    }
    float[] filled = inpainter.fill(picture, masks.hole(changes), size, seed, eachStep);
    GroundWarp ground = isStill ? null : GroundWarp.under(before, view.scene().up());
    if (ground != null) {
      boolean[] unseen = new boolean[size * size];
      filled = ground.see(filled, size, before.camera(), after.camera(), unseen);
      filled = inpainter.fill(filled, unseen, size, seed + 1, eachStep);
    }
    return paste(filled, isStill ? kept(before, masks, changes) : null, size, pasted);
  }

  private static boolean same(Box3 one, Box3 other) {
    if (one == null || other == null) {
      return one == other;
    }
    double most = 0;
    for (int i = 0; i < 8; i++) {
      most = Math.max(most, one.corner(i).minus(other.corner(i)).length());
    }
    return most <= SAME * one.size().length();
  }

  /**
   * A picture with an object in it.
   *
   * @param share of each pixel that shows it
   */
  private record Source(float[] picture, float[] share, NovelView.Seen seen) {}

  private Layer layer(
      Source source, NovelView.Seen target, int size, boolean stays, long seed, Runnable eachStep) {
    NovelView.Seen seen = source.seen;
    if (views != null && NovelView.Turn.between(seen, target).degrees() >= TURNED) {
      Layer drawn = views.draw(source.picture, source.share, size, seen, target, seed, eachStep);
      if (drawn != null) {
        return drawn;
      }
    }
    return new Cutout(
        source.picture,
        source.share,
        size,
        seen.box(),
        seen.camera(),
        target.box(),
        target.camera(),
        stays);
  }

  /** An object of another scene, in the frame that shows most of it. */
  private static Source lent(EditCase edit, Edit.Donor donor) throws IOException {
    SceneView view = edit.library().view(donor.scene());
    Scene scene = view.scene();
    int index = scene.indexOf(donor.object());
    if (index < 0) {
      throw EditedScene.unknown("replace by " + donor.scene() + ":", donor.object(), scene.names());
    }
    int best = -1;
    double most = 0;
    for (int t = 0; t < scene.frames().size(); t++) {
      ObjectView seen = scene.frames().get(t).views().get(index);
      Box2 box = seen.box2();
      double area = (box.y1() - box.y0()) * (box.x1() - box.x0());
      if (seen.isPresent() && area > most) {
        best = t;
        most = area;
      }
    }
    if (best < 0) {
      throw new EditException(
          String.format(
              Locale.ROOT, "%s of scene %s is seen in no frame", donor.object(), donor.scene()));
    }
    requireSize(edit, view);
    SceneFrame frame = scene.frames().get(best);
    return new Source(
        Rgb.floats(view.clip().rgb(best)),
        Masks.of(scene, best, edit.size()).shares()[index],
        new NovelView.Seen(frame.boxes().get(index), frame.camera(), scene.up()));
  }

  /** Another scene's source frame without objects. */
  private float[] background(EditCase edit, String name, long seed, Runnable eachStep)
      throws IOException {
    SceneView view = edit.library().view(name);
    requireSize(edit, view);
    boolean[] all = new boolean[view.scene().entities().size()];
    Arrays.fill(all, true);
    boolean[] hole = Masks.of(view.scene(), view.source(), edit.size()).hole(all);
    float[] picture = Rgb.floats(view.clip().rgb(view.source()));
    return inpainter.fill(picture, hole, edit.size(), seed, eachStep);
  }

  private static void requireSize(EditCase edit, SceneView view) {
    if (view.clip().size() != edit.size()) {
      throw new EditException(
          String.format(
              Locale.ROOT,
              "scene %s has pictures of %d pixels, the case %s of %d; prepare both at one size",
              view.name(),
              view.clip().size(),
              edit.id(),
              edit.size()));
    }
  }

  /**
   * The box of the object that a pixel goes on to show, {@code [S, S]}; null for the background.
   */
  private static BoxRays[] kept(SceneFrame before, Masks masks, boolean[] changes) {
    BoxRays[] owners = new BoxRays[masks.size() * masks.size()];
    BoxRays[] boxes = new BoxRays[changes.length];
    for (int i = 0; i < boxes.length; i++) {
      Box3 box = before.boxes().get(i);
      boxes[i] = changes[i] || box == null ? null : new BoxRays(box, before.camera());
    }
    for (int pixel = 0; pixel < owners.length; pixel++) {
      int owner = masks.owner(pixel);
      owners[pixel] = owner < 0 ? null : boxes[owner];
    }
    return owners;
  }

  /**
   * Pastes layers, the nearest on top.
   *
   * @param kept the box of the object that a pixel of the picture shows, null for the background;
   *     null if no pixel shows an object
   */
  private static float[] paste(float[] picture, BoxRays[] kept, int size, List<Layer> above) {
    float[] pasted = picture.clone();
    Layers layers = new Layers(above);
    for (int pixel = 0; pixel < size * size; pixel++) {
      double[] sum = new double[4];
      for (int place = 0; place < PLACES * PLACES; place++) {
        double u = (pixel % size + (place % PLACES + 0.5) / PLACES) / size;
        double v = (pixel / size + (place / PLACES + 0.5) / PLACES) / size;
        layers.add(u, v, kept == null ? null : kept[pixel], sum);
      }
      double rest = 1 - sum[3] / (PLACES * PLACES);
      for (int c = 0; c < 3; c++) {
        double color = rest * picture[3 * pixel + c] + sum[c] / (PLACES * PLACES);
        pasted[3 * pixel + c] = (float) Math.clamp(color, 0, 1);
      }
    }
    return pasted;
  }

  @Override
  public void close() {
    inpainter.close();
  }
}
