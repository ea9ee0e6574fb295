package nacre.evaluation;

import static nacre.tensor.ops.Concat.concat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import nacre.diffusion.Inpainting;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.EditRegion;
import nacre.neuralassets.edit.EditTokens;
import nacre.neuralassets.edit.KeptBackground;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.model.EncodedConditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;

/**
 * A trained model as a method. The noise of a picture depends on the seed and the case's number
 * alone.
 *
 * @param name in tables
 * @param sampler of the model, which belongs to the caller's scope
 * @param slots objects that the model has room for
 * @param keptMargin margin around edited objects, as a share of their size, outside of which the
 *     source frame is kept to the bit; null if all is drawn anew
 */
public record NeuralAssetsMethod(String name, Sampler sampler, int slots, Double keptMargin)
    implements EditingMethod {

  /** A method that draws all of the picture anew. */
  public NeuralAssetsMethod(String name, Sampler sampler, int slots) {
    this(name, sampler, slots, null);
  }

  @Override
  public int batch() {
    return sampler.batch();
  }

  @Override
  public float[] draw(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep)
      throws IOException {
    int size = sampler.model().preset().imageSize();
    float[] all = new float[cases.size() * size * size * 3];
    for (int from = 0; from < cases.size(); from += batch()) {
      List<EditCase> some = cases.subList(from, Math.min(from + batch(), cases.size()));
      float[] drawn = some(some, firstNumber + from, seed, eachStep);
      System.arraycopy(drawn, 0, all, from * size * size * 3, drawn.length);
    }
    return all;
  }

  private float[] some(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep)
      throws IOException {
    try (Scope _ = Scope.open()) {
      List<EncodedConditioning> given = new ArrayList<>();
      Tensor[] noise = new Tensor[cases.size()];
      for (int i = 0; i < noise.length; i++) {
        EditCase one = cases.get(i);
        requireStill(one);
        given.add(new EditTokens(model(), slots, one.library()).encode(one.view(), one.edits()));
        noise[i] = RandomNormal.normal(device(), sample(), seed, firstNumber + i);
      }
      Tensor begun = concat(0, noise);
      float[] drawn =
          sampler
              .sample(
                  EncodedConditioning.concatenated(given),
                  begun,
                  kept(cases, begun),
                  _ -> eachStep.run())
              .toFloats();
      for (int k = 0; k < drawn.length; k++) {
        drawn[k] = Math.clamp(drawn[k] * 0.5f + 0.5f, 0, 1);
      }
      if (keptMargin != null) {
        paste(cases, drawn);
      }
      return drawn;
    }
  }

  private NeuralAssets model() {
    return sampler.model();
  }

  private Device device() {
    return model().device();
  }

  private Shape sample() {
    int side = model().preset().sampleSize();
    return Shape.of(1, side, side, model().preset().sampleChannels());
  }

  /** What is kept is the source frame's, so that the camera cannot be another. */
  private void requireStill(EditCase one) {
    if (keptMargin != null && one.view().source() != one.view().target()) {
      throw new EditException(
          String.format(
              Locale.ROOT,
              "case %s: source and target are two frames; only edits of one keep its background",
              one.id()));
    }
  }

  private EditRegion region(EditCase one) {
    return EditRegion.of(one.view(), one.edits(), keptMargin);
  }

  private Inpainting kept(List<EditCase> cases, Tensor noise) {
    if (keptMargin == null) {
      return null;
    }
    return KeptBackground.of(
        cases.stream().map(this::region).toList(),
        cases.stream().map(one -> KeptBackground.samples(model(), one.view())).toList(),
        noise);
  }

  private static byte[] source(SceneView view) {
    return view.clip().rgb(view.source());
  }

  private void paste(List<EditCase> cases, float[] drawn) {
    int each = drawn.length / cases.size();
    for (int i = 0; i < cases.size(); i++) {
      float[] one = Arrays.copyOfRange(drawn, i * each, (i + 1) * each);
      EditCase edit = cases.get(i);
      byte[] pasted = region(edit).paste(source(edit.view()), Rgb.bytes(one));
      System.arraycopy(Rgb.floats(pasted), 0, drawn, i * each, each);
    }
  }

  /**
   * A model folder as a method, which holds the model until it is closed.
   *
   * @throws IOException in one line, if the model cannot be read
   */
  public static EditingMethod open(String name, Path folder, Device device, Settings settings)
      throws IOException {
    Scope scope = Scope.open();
    try {
      NeuralAssets model = ModelFolder.load(folder, device);
      DataConfig data =
          DataConfig.of(
              model
                  .preset()
                  .data()
                  .orElseThrow(
                      () ->
                          new IOException(
                              folder
                                  + ": its preset lacks \"data\", which says how many objects"
                                  + " it has room for")));
      return new Held(
          new NeuralAssetsMethod(
              name, settings.sampler(model), data.slots(), settings.keptMargin()),
          scope);
    } catch (IOException | RuntimeException e) {
      scope.close();
      throw e;
    }
  }

  /**
   * How a model draws.
   *
   * @param steps of sampling; null for the preset's
   * @param guidance scale, 1 for none; null for the preset's
   * @param keptMargin see {@link NeuralAssetsMethod}
   */
  public record Settings(Integer steps, Double guidance, Double keptMargin) {
    /** The preset's, and all is drawn anew. */
    public static final Settings PRESET = new Settings(null, null, null);

    private Sampler sampler(NeuralAssets model) {
      Sampler usual = Sampler.of(model);
      return new Sampler(
          model,
          steps == null ? usual.steps() : steps,
          guidance == null ? usual.guidance() : guidance);
    }
  }

  /** A method whose model lives in a scope of its own. */
  private record Held(NeuralAssetsMethod method, Scope scope) implements EditingMethod {
    @Override
    public String name() {
      return method.name();
    }

    @Override
    public int batch() {
      return method.batch();
    }

    @Override
    public float[] draw(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep)
        throws IOException {
      return method.draw(cases, firstNumber, seed, eachStep);
    }

    @Override
    public void close() {
      scope.close();
    }
  }

  /** Nothing: the model is the caller's. */
  @Override
  public void close() {}
}
