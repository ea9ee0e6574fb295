package nacre.evaluation.threedit;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import nacre.diffusion.text.ClipTokenizer;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.Scene;

/**
 * Batches of pairs for {@link ThreeDitTrainer}: of clips of two frames those between which one
 * object is moved, turned or removed, drawn with replacement. Those of a step are always the same.
 *
 * @param clips such as those of OBJect
 * @param words what the edits are called
 * @param size S, side of the model's pictures in pixels
 * @param batch pairs in a step
 */
public record EditPairBatches(
    ClipSource clips, Words words, ClipTokenizer tokenizer, int size, int batch) {
  /** Objects that a scene of OBJect may have, and some more. */
  private static final int SLOTS = 8;

  /** Draws of a clip before there are taken to be none with one of 3DIT's edits. */
  private static final int TRIES = 1_000;

  /** The sentences of edits. */
  @FunctionalInterface
  public interface Words {
    /** Objects by their names. */
    Words NAMES = (_, edit) -> edit.sentence();

    /**
     * The sentence of an edit.
     *
     * @param clip the clip's name, of OBJect its folder
     * @throws IOException in one line, if it is not known
     */
    String sentence(String clip, ObjectEdit edit) throws IOException;
  }

  /**
   * The pairs of a step.
   *
   * @throws IOException in one line, if a clip cannot be read, or none has such an edit
   */
  public ThreeDitPairs of(long step) throws IOException {
    SplittableRandom random = new SplittableRandom(step);
    List<SceneView> views = new ArrayList<>();
    List<String> sentences = new ArrayList<>();
    for (int tries = 0; views.size() < batch; tries++) {
      if (tries == TRIES * (views.size() + 1)) {
        throw new IOException(
            clips.describe()
                + ": among "
                + tries
                + " clips too few have one object moved, turned or removed before a camera that"
                + " stands still");
      }
      int clip = random.nextInt(clips.size());
      Scene scene = clips.scene(clip);
      Optional<ObjectEdit> edit =
          scene.frames().size() < 2 ? Optional.empty() : ObjectEdit.between(scene, 0, 1);
      if (edit.isPresent()) {
        String name = clips.name(clip);
        views.add(new SceneView(name, scene, Clip.of(name, scene, size, SLOTS), 0, 1));
        sentences.add(words.sentence(name, edit.get()));
      }
    }
    return ThreeDitPairs.of(views, sentences, tokenizer);
  }
}
