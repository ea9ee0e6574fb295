package nacre.evaluation.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.GroundTruth;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneDescription.Solid;

/**
 * An edit of a described scene, from which it is rendered at any size.
 *
 * @param scene of one frame
 * @param donors the scenes that provide objects and backgrounds, of one frame each, by the names
 *     that edits use
 */
record EditDraft(
    EditKind kind, SceneDescription scene, Map<String, SceneDescription> donors, List<Edit> edits) {
  EditDraft {
    donors = Map.copyOf(donors);
    edits = List.copyOf(edits);
  }

  /** One frame of a description. */
  static SceneDescription still(SceneDescription clip, int frame) {
    List<Solid> solids = new ArrayList<>();
    for (Solid solid : clip.objects()) {
      solids.add(
          new Solid(
              solid.name(),
              solid.shape(),
              solid.halfExtents(),
              solid.coat(),
              List.of(solid.poses().get(frame))));
    }
    return new SceneDescription(
        List.of(clip.cameras().get(frame)), solids, clip.ground(), clip.light());
  }

  /** The description before the first edit, after it, and so on to the last. */
  List<SceneDescription> stages() {
    List<SceneDescription> stages = new ArrayList<>();
    for (int done = 0; done <= edits.size(); done++) {
      stages.add(GroundTruth.describe(scene, 0, edits.subList(0, done), this::donor));
    }
    return stages;
  }

  private SceneDescription donor(String name) {
    SceneDescription donor = donors.get(name);
    if (donor == null) {
      throw new EditException("the case has no scene " + name);
    }
    return donor;
  }

  /** The names of the objects that are edited. */
  List<String> edited() {
    return edits.stream().flatMap(edit -> edit.edited().stream()).distinct().toList();
  }
}
