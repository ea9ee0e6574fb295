package nacre.neuralassets.edit;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.Scene.Entity;
import nacre.neuralassets.scene.SceneFrame;

/** A view of a scene with more objects in it, seen by another camera, before edits move objects. */
public final class ChangedView {
  private ChangedView() {}

  /**
   * The same view by the camera that edits move, with duplicates, each where the object is that it
   * looks like.
   *
   * @param slots objects that the model has room for
   * @return the view itself if nothing is duplicated and the camera stays
   * @throws EditException if an object does not exist, a name is taken, or there is no room
   */
  public static SceneView of(SceneView view, List<Edit> edits, int slots) {
    Scene scene = withDuplicates(view.scene(), edits);
    Camera own = scene.frames().get(view.target()).camera();
    Camera camera = Edit.MoveCamera.all(edits, own, scene.up());
    if (scene == view.scene() && camera.equals(own)) {
      return view;
    }
    if (scene != view.scene() && scene.entities().size() > slots) {
      throw new EditException(
          String.format(
              Locale.ROOT,
              "duplicate: with the duplicates there are %d objects, and the model has room for %d;"
                  + " leave some out",
              scene.entities().size(),
              slots));
    }
    return pair(view, scene, camera, slots);
  }

  /** A scene with duplicates; the same one if nothing is duplicated. */
  static Scene withDuplicates(Scene scene, List<Edit> edits) {
    List<Entity> entities = new ArrayList<>(scene.entities());
    List<Integer> of = new ArrayList<>();
    for (Edit edit : edits) {
      if (edit instanceof Edit.Duplicate duplicate) {
        List<String> names = entities.stream().map(Entity::name).toList();
        int index = names.indexOf(duplicate.object());
        if (index < 0) {
          throw EditedScene.unknown("duplicate", duplicate.object(), names);
        }
        if (names.contains(duplicate.as())) {
          throw new EditException(
              String.format(
                  Locale.ROOT,
                  "duplicate %s: there is an object %s already; give another name",
                  duplicate.object(),
                  duplicate.as()));
        }
        entities.add(new Entity(duplicate.as(), entities.get(index).isDynamic()));
        of.add(index < scene.entities().size() ? index : of.get(index - scene.entities().size()));
      }
    }
    if (of.isEmpty()) {
      return scene;
    }
    List<SceneFrame> frames = new ArrayList<>();
    for (SceneFrame frame : scene.frames()) {
      frames.add(new WithMore(frame, of));
    }
    return new Scene(scene.width(), scene.height(), scene.up(), entities, frames);
  }

  /** A view of two frames, the source and the target. */
  private static SceneView pair(SceneView view, Scene scene, Camera camera, int slots) {
    SceneFrame source = scene.frames().get(view.source());
    SceneFrame target = scene.frames().get(view.target());
    List<ObjectView> seen = views(target, camera);
    List<SceneFrame> frames =
        List.of(
            SceneFrame.of(source.camera(), source.views(), source.rgb(), null),
            SceneFrame.of(camera, seen, target.rgb(), null));
    Scene two = new Scene(scene.width(), scene.height(), scene.up(), scene.entities(), frames);
    return SceneView.of(view.name(), two, view.clip().size(), slots).withFrames(0, 1);
  }

  /** What another camera sees of a frame's objects; those behind it are absent. */
  static List<ObjectView> views(SceneFrame frame, Camera camera) {
    if (camera.equals(frame.camera())) {
      return frame.views();
    }
    List<ObjectView> views = new ArrayList<>();
    for (Box3 box : frame.boxes()) {
      boolean there = box != null && box.minDepth(camera) > 0;
      Box2 extent = there ? box.extent(camera) : Box2.EMPTY;
      views.add(there ? new ObjectView(box, extent, -1) : ObjectView.ABSENT);
    }
    return views;
  }

  /**
   * A frame in which some objects are there twice.
   *
   * @param more indices of those objects
   */
  private record WithMore(SceneFrame frame, List<Integer> more) implements SceneFrame {
    @Override
    public Camera camera() {
      return frame.camera();
    }

    @Override
    public List<ObjectView> views() {
      List<ObjectView> views = new ArrayList<>(frame.views());
      more.forEach(i -> views.add(views.get(i)));
      return views;
    }

    @Override
    public byte[] rgb() {
      return frame.rgb();
    }

    @Override
    public byte[] segmentation() {
      return frame.segmentation();
    }
  }
}
