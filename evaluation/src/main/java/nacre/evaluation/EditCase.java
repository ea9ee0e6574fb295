package nacre.evaluation;

import java.util.List;
import java.util.Locale;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditedScene;
import nacre.neuralassets.edit.SceneLibrary;
import nacre.neuralassets.edit.SceneView;

/**
 * One picture to be drawn: a source frame, what changes, and what it truly looks like.
 *
 * @param id unique within a set of cases
 * @param kind what changes, as "rotate"; "pair" for two frames of a clip
 * @param view the source frame, and the target frame whose camera and poses edits start from; the
 *     same frame for edits with the camera still
 * @param edits applied to the target frame, in order; empty for a pair of frames
 * @param library finds the scenes that provide objects and backgrounds
 * @param truth the true picture, {@code [S, S, 3]} at the size of the view's clip
 * @param boxes {@code [N, 4]}: y0, x0, y1, x1 in [0, 1] of the objects in the truth that count,
 *     none of which is empty; for edits the places of what is edited, before and after
 */
public record EditCase(
    String id,
    String kind,
    SceneView view,
    List<Edit> edits,
    SceneLibrary library,
    byte[] truth,
    float[] boxes) {

  /** Checks the lengths. */
  public EditCase {
    edits = List.copyOf(edits);
    int size = view.clip().size();
    if (truth.length != size * size * 3 || boxes.length % 4 != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "case %s: the true picture has %d values, frames of %d pixels have %d",
              id,
              truth.length,
              size,
              size * size * 3));
    }
  }

  /** S, the side of the pictures in pixels. */
  public int size() {
    return view.clip().size();
  }

  /** The target frame after the edits: where each object is, and whose appearance it has. */
  public EditedScene edited() {
    return EditedScene.apply(view.scene(), view.target(), edits);
  }
}
