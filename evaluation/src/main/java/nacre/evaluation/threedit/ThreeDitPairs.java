package nacre.evaluation.threedit;

import java.util.List;
import java.util.Locale;
import nacre.diffusion.text.ClipTokenizer;
import nacre.evaluation.Rgb;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.edit.SceneView;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Pairs of pictures before and after an edit, on the host.
 *
 * @param count B
 * @param sources before, {@code [B, S, S, 3]} in [0, 1]
 * @param targets after, likewise
 * @param ids the tokens of the sentences, {@code [B, 77]}; null for Zero-1-to-3
 * @param numbers T, {@code [B, 4]}
 */
public record ThreeDitPairs(
    int count, float[] sources, float[] targets, int[] ids, float[] numbers) {
  /** Checks the lengths. */
  public ThreeDitPairs {
    if (count < 1
        || sources.length != targets.length
        || numbers.length != count * ThreeDit.NUMBERS
        || ids != null && ids.length % count != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "3DIT: %d pairs have %d and %d values of pictures and %d numbers",
              count,
              sources.length,
              targets.length,
              numbers.length));
    }
  }

  /**
   * The pairs of clips, from the source frame of each to its target frame.
   *
   * @param views of the size of the model's pictures
   * @param sentences one for each, {@link ObjectEdit#sentence}
   * @throws IllegalArgumentException if between the frames of one there is more or less than one
   *     object's edit
   */
  public static ThreeDitPairs of(
      List<SceneView> views, List<String> sentences, ClipTokenizer tokenizer) {
    int count = views.size();
    int size = views.getFirst().clip().size();
    int each = size * size * 3;
    float[] sources = new float[count * each];
    float[] targets = new float[count * each];
    int[] ids = new int[count * tokenizer.length()];
    float[] numbers = new float[count * ThreeDit.NUMBERS];
    for (int i = 0; i < count; i++) {
      SceneView view = views.get(i);
      Clip clip = view.clip();
      System.arraycopy(Rgb.floats(clip.rgb(view.source())), 0, sources, i * each, each);
      System.arraycopy(Rgb.floats(clip.rgb(view.target())), 0, targets, i * each, each);
      ObjectEdit edit =
          ObjectEdit.between(view.scene(), view.source(), view.target())
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          view.name()
                              + ": 3DIT learns from pairs in which one object is moved, turned or"
                              + " removed and the camera stands still"));
      for (int k = 0; k < ThreeDit.NUMBERS; k++) {
        numbers[i * ThreeDit.NUMBERS + k] = edit.numbers().get(k);
      }
      int[] sentence = tokenizer.encode(sentences.get(i)).ids();
      System.arraycopy(sentence, 0, ids, i * sentence.length, sentence.length);
    }
    return new ThreeDitPairs(count, sources, targets, ids, numbers);
  }

  /** The tokens on a device, {@code i32[B, 77]}; null if there are none. */
  Tensor ids(Device device) {
    return ids == null ? null : Tensor.ofInts(device, Shape.of(count, ids.length / count), ids);
  }
}
