package nacre.evaluation.benchmark;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneDescription.Solid;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * What a drawn edit must fulfil to be a case of the benchmark: what is edited can be seen, before
 * and after, stays where scenes have their objects, and changes enough.
 *
 * @param config of the scenes
 */
record EditChecks(SceneConfig config) {
  /** Side of the pictures on which it is decided, whatever the size of the cases. */
  private static final int SIDE = 64;

  private static final int SAMPLES = 2;

  /** The least share of the picture's pixels that show an object which is edited. */
  static final double LEAST_VISIBLE = 0.025;

  /** The least share of an object that other objects leave visible, before it is edited. */
  static final double LEAST_UNHIDDEN = 0.6;

  /** The least difference of a channel, of 255, of a pixel that counts as changed. */
  static final int LEAST_DIFFERENCE = 24;

  /** The least share of pixels that each edit of an object changes. */
  static final double LEAST_CHANGE = 0.02;

  /** The same for an edit of the background. */
  static final double LEAST_BACKGROUND_CHANGE = 0.25;

  /**
   * Objects that are edited are among the largest of their scene, by this number and by this
   * factor, so that a model with as many slots has one for them.
   */
  static final int SLOTS = 3;

  private static final double LARGER = 1.5;

  boolean pass(EditDraft draft) {
    List<SceneDescription> stages = draft.stages();
    for (String name : draft.edited()) {
      if (!stands(name, stages.getFirst()) || !stands(name, stages.getLast())) {
        return false;
      }
    }
    List<SceneFrame> frames =
        stages.stream().map(s -> SceneRenderer.renderFrame(s, 0, SIDE, SIDE, SAMPLES)).toList();
    for (String name : draft.edited()) {
      if (!isSeen(name, stages.getFirst(), frames.getFirst())
          || !isLarge(name, stages.getFirst(), frames.getFirst())
          || !isUnhidden(name, stages.getFirst(), frames.getFirst())
          || !isSeen(name, stages.getLast(), frames.getLast())) {
        return false;
      }
    }
    for (int k = 0; k < draft.edits().size(); k++) {
      Edit edit = draft.edits().get(k);
      boolean whole = edit.edited().isEmpty();
      double least = whole ? LEAST_BACKGROUND_CHANGE : LEAST_CHANGE;
      if (changed(frames.get(k).rgb(), frames.get(k + 1).rgb()) < least || !isLent(edit, draft)) {
        return false;
      }
    }
    return true;
  }

  /** Whether an object, if there, is wholly in the picture and within room of its own. */
  private boolean stands(String name, SceneDescription scene) {
    Map<String, Solid> solids =
        scene.objects().stream().collect(Collectors.toMap(Solid::name, s -> s));
    Solid solid = solids.remove(name);
    if (solid == null) {
      return true;
    }
    Vec3 at = solid.poses().getFirst().translation();
    if (StrictMath.hypot(at.x(), at.y()) > config.spread()) {
      return false;
    }
    for (Solid other : solids.values()) {
      Vec3 there = other.poses().getFirst().translation();
      double room =
          SceneGenerator.groundRadius(solid)
              + SceneGenerator.groundRadius(other)
              + SceneGenerator.GAP;
      if (StrictMath.hypot(at.x() - there.x(), at.y() - there.y()) < room) {
        return false;
      }
    }
    Camera camera = scene.cameras().getFirst();
    for (Vec3 corner : Box3.of(solid.poses().getFirst(), solid.halfExtents()).corners()) {
      Projection p = camera.project(corner);
      if (!(p.depth() > 0 && p.u() > 0 && p.u() < 1 && p.v() > 0 && p.v() < 1)) {
        return false;
      }
    }
    return true;
  }

  /** Whether enough is seen of an object, if it is there. */
  private static boolean isSeen(String name, SceneDescription scene, SceneFrame frame) {
    int index = scene.objects().stream().map(Solid::name).toList().indexOf(name);
    return index < 0 || frame.views().get(index).visiblePixels() >= LEAST_VISIBLE * SIDE * SIDE;
  }

  /** Whether other objects hide little of an object. */
  private static boolean isUnhidden(String name, SceneDescription scene, SceneFrame frame) {
    int index = scene.objects().stream().map(Solid::name).toList().indexOf(name);
    SceneDescription alone =
        new SceneDescription(
            scene.cameras(), List.of(scene.objects().get(index)), scene.ground(), scene.light());
    SceneFrame whole = SceneRenderer.renderFrame(alone, 0, SIDE, SIDE, 1);
    return frame.views().get(index).visiblePixels()
        >= LEAST_UNHIDDEN * whole.views().getFirst().visiblePixels();
  }

  /** Whether an object has a slot in models that have few. */
  private static boolean isLarge(String name, SceneDescription scene, SceneFrame frame) {
    List<ObjectView> views = frame.views();
    List<Double> areas =
        IntStream.range(0, views.size())
            .mapToObj(i -> area(views.get(i).box2()))
            .sorted(Comparator.reverseOrder())
            .toList();
    int index = scene.objects().stream().map(Solid::name).toList().indexOf(name);
    return areas.size() <= SLOTS || area(views.get(index).box2()) >= LARGER * areas.get(SLOTS);
  }

  private static double area(Box2 box) {
    return (box.y1() - box.y0()) * (box.x1() - box.x0());
  }

  /** Whether the donor of an edit, if it has one, is seen as well as what is edited. */
  private static boolean isLent(Edit edit, EditDraft draft) {
    if (!(edit instanceof Edit.Replace replace)) {
      return true;
    }
    SceneDescription donor = draft.donors().get(replace.by().scene());
    SceneFrame frame = SceneRenderer.renderFrame(donor, 0, SIDE, SIDE, SAMPLES);
    String object = replace.by().object();
    return isSeen(object, donor, frame)
        && isLarge(object, donor, frame)
        && isUnhidden(object, donor, frame);
  }

  /** The share of pixels that differ. */
  private static double changed(byte[] before, byte[] after) {
    int count = 0;
    for (int pixel = 0; pixel < before.length / 3; pixel++) {
      int most = 0;
      for (int c = 3 * pixel; c < 3 * pixel + 3; c++) {
        most = Math.max(most, Math.abs((before[c] & 0xFF) - (after[c] & 0xFF)));
      }
      count += most >= LEAST_DIFFERENCE ? 1 : 0;
    }
    return (double) count / (before.length / 3);
  }
}
