package nacre.neuralassets.edit;

import static nacre.tensor.ops.Concat.concat;

import java.util.List;
import nacre.diffusion.Inpainting;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.NeuralAssets;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/** What edits leave as it is: the source frames outside of the edited regions. */
public final class KeptBackground {
  private KeptBackground() {}

  /** The source frame as samples of a model, {@code [1, s, s, c]}, in the current scope. */
  public static Tensor samples(NeuralAssets model, SceneView view) {
    int size = view.clip().size();
    float[] pixels = new float[3 * size * size];
    PairBatch.pixels(view.clip().rgb(view.source()), pixels, 0);
    return Scope.tidy(
        () -> {
          Tensor frame = Tensor.of(model.device(), Shape.of(1, size, size, 3), pixels);
          return model.samples().toSamples(frame, null);
        });
  }

  /**
   * What is kept while pictures are drawn.
   *
   * @param regions of each picture, outside of which it is kept
   * @param clean the source frames, {@code [1, s, s, c]} each
   * @param noise that drawing begins with, {@code [B, s, s, c]}
   */
  public static Inpainting of(List<EditRegion> regions, List<Tensor> clean, Tensor noise) {
    int side = noise.dim(1);
    Tensor[] masks = new Tensor[regions.size()];
    for (int i = 0; i < masks.length; i++) {
      masks[i] = Tensor.of(noise.device(), Shape.of(1, side, side, 1), regions.get(i).mask(side));
    }
    return new Inpainting(concat(0, masks), concat(0, clean.toArray(Tensor[]::new)), noise);
  }
}
