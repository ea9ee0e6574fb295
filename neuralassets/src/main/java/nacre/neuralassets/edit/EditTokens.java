package nacre.neuralassets.edit;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Slice.slice;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.FramePair;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.EncodedConditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.scene.PoseVector;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The maker of tokens for edited scenes (Neural Assets, section 4.3): moved objects have another
 * pose, removed ones the tokens of an empty slot, and what comes from another scene is cut out of
 * that scene's tokens.
 *
 * @param model the model that makes the tokens
 * @param slots objects that the model has room for
 * @param library finds the scenes that provide objects and backgrounds
 */
public record EditTokens(NeuralAssets model, int slots, SceneLibrary library) {

  /**
   * The tokens of one image, {@code [1, K (N + 1), C]}, in the current scope.
   *
   * @throws EditException if an edit cannot be carried out
   * @throws IOException if a donor's scene cannot be read
   */
  public Tensor of(SceneView view, List<Edit> edits) throws IOException {
    refusal(edits)
        .ifPresent(
            told -> {
              throw new EditException(told);
            });
    List<Edit> others =
        edits.stream()
            .filter(e -> !(e instanceof Edit.Duplicate || e instanceof Edit.MoveCamera))
            .toList();
    return tokens(ChangedView.of(view, edits, slots), others);
  }

  private Tensor tokens(SceneView view, List<Edit> edits) throws IOException {
    EditedScene edited = EditedScene.apply(view.scene(), view.target(), edits);
    requireSlots(view, edits);
    try (Scope scope = Scope.open()) {
      Clip clip = view.clip();
      Conditioning own = pair(clip, view.source(), view.target());
      float[][] poses = edited.poses();
      for (int slot = 0; slot < clip.objects(); slot++) {
        put(own.poses(), slot, poses[clip.sceneIndices().get(slot)]);
      }
      Tensor tokens = model.tokens(own);
      Tensor empty = model.unconditionalTokens(slots);
      List<Tensor> parts = new ArrayList<>();
      for (int slot = 0; slot < slots; slot++) {
        EditedScene.Slot object =
            slot < clip.objects() ? edited.slots().get(clip.sceneIndices().get(slot)) : null;
        boolean boxes = !model.preset().assetTokens().hasEncoder();
        if (object != null && !object.isPresent() && !boxes) { // of boxes, the target is empty
          parts.add(rows(empty, slot));
        } else if (object != null && object.donor() != null) {
          parts.add(lent(object.donor(), poses[clip.sceneIndices().get(slot)]));
        } else {
          parts.add(rows(tokens, slot));
        }
      }
      if (model.preset().assetTokens().hasBackground()) {
        parts.add(
            edited.background() == null
                ? rows(tokens, slots)
                : background(library.view(edited.background())));
      }
      return scope.keep(concat(1, parts.toArray(Tensor[]::new)));
    }
  }

  /**
   * What the UNet takes for one image: the tokens, and the source frame's samples if it sees it, in
   * the current scope.
   *
   * @throws EditException if an edit cannot be carried out
   * @throws IOException if a donor's scene cannot be read
   */
  public EncodedConditioning encode(SceneView view, List<Edit> edits) throws IOException {
    Tensor tokens = of(view, edits);
    return model.preset().seesSource()
        ? new EncodedConditioning(
            tokens, model.source(pair(view.clip(), view.source(), view.source())))
        : new EncodedConditioning(tokens, null);
  }

  /** Why a model of this kind cannot carry out one of some edits; empty if it can. */
  public Optional<String> refusal(List<Edit> edits) {
    boolean background = edits.stream().anyMatch(edit -> edit instanceof Edit.Background);
    if (background && model.preset().seesSource()) {
      return Optional.of(
          "the background cannot be replaced: this model sees the source frame, which shows the"
              + " one that there is (unet_input is \"source\")");
    }
    if (!model.preset().assetTokens().hasEncoder()
        && edits.stream().anyMatch(edit -> edit instanceof Edit.Replace)) {
      return Optional.of(
          "an object cannot be replaced: this model takes its looks from the source frame, where"
              + " the other one is not (asset_tokens.content is \"boxes\")");
    }
    if (background && !model.preset().assetTokens().hasBackground()) {
      return Optional.of(
          "the background cannot be replaced: this model has no token of it"
              + " (asset_tokens.background is \"none\")");
    }
    return Optional.empty();
  }

  private void requireSlots(SceneView view, List<Edit> edits) {
    for (Edit edit : edits) {
      String name = edit.edited().orElse(null);
      if (name != null && view.slot(view.scene().indexOf(name)) < 0) {
        throw new EditException(
            String.format(
                Locale.ROOT,
                "%s cannot be edited: the model has room for %d objects, and others are larger",
                name,
                slots));
      }
    }
  }

  private Conditioning pair(Clip clip, int source, int target) {
    return PairBatch.of(List.of(FramePair.of(clip, source, target)), clip.size(), slots)
        .conditioning();
  }

  private static void put(float[] poses, int slot, float[] pose) {
    System.arraycopy(pose, 0, poses, slot * PoseVector.LENGTH, PoseVector.LENGTH);
  }

  /** The tokens of a slot; the background's come after all slots. */
  private Tensor rows(Tensor tokens, int slot) {
    int cells = model.preset().assetTokens().tokensPerObject();
    return slice(tokens, 1, slot * cells, cells);
  }

  /** Another scene's object, taken from the frame that shows most of it, at a given pose. */
  private Tensor lent(Edit.Donor donor, float[] pose) throws IOException {
    SceneView view = library.view(donor.scene());
    int index = view.scene().indexOf(donor.object());
    if (index < 0) {
      throw EditedScene.unknown(
          "replace by " + donor.scene() + ":", donor.object(), view.scene().names());
    }
    int slot = view.slot(index);
    if (slot < 0) {
      throw new EditException(
          String.format(
              Locale.ROOT,
              "%s of scene %s has no slot: others are larger",
              donor.object(),
              donor.scene()));
    }
    int frame = clearest(view.clip(), slot);
    Conditioning pair = pair(view.clip(), frame, frame);
    put(pair.poses(), slot, pose);
    return rows(model.tokens(pair), slot);
  }

  private static int clearest(Clip clip, int slot) {
    int best = 0;
    double most = -1;
    for (int t = 0; t < clip.frames(); t++) {
      float[] b = clip.boxes(t);
      double area = (b[4 * slot + 2] - b[4 * slot]) * (b[4 * slot + 3] - b[4 * slot + 1]);
      if (area > most) {
        most = area;
        best = t;
      }
    }
    return best;
  }

  /** The background of another scene, as its source frame shows it. */
  private Tensor background(SceneView view) {
    Conditioning pair = pair(view.clip(), view.source(), view.source());
    return rows(model.tokens(pair), slots);
  }
}
