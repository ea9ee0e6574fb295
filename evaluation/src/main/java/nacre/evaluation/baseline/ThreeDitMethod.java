package nacre.evaluation.baseline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.diffusion.text.ClipTokenizer;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.Rgb;
import nacre.evaluation.threedit.ObjectEdit;
import nacre.evaluation.threedit.ThreeDit;
import nacre.evaluation.threedit.ThreeDitConfig;
import nacre.evaluation.threedit.ThreeDitFile;
import nacre.evaluation.threedit.ThreeDitFolder;
import nacre.evaluation.threedit.ThreeDitSampler;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.EditedScene;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.Vec3;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
import nacre.weights.WeightsException;

/**
 * 3DIT as it was published, for cases in which objects are moved, turned about the vertical or
 * removed and the camera stands still. Of several edits each is drawn upon the picture of the one
 * before. Objects are described by their names. Pictures of another size than the model's are
 * resized, there and back. Confined to the thread that created it.
 */
public final class ThreeDitMethod implements EditingMethod {
  /**
   * The version of what it draws, which digests of stored pictures and values name: raised with
   * every change of its pictures.
   */
  public static final int VERSION = 1;

  private final Scope scope;
  private final ThreeDitSampler sampler;
  private final ClipTokenizer tokenizer;

  /**
   * The method of a model that somebody else owns.
   *
   * @param tokenizer of its sentences
   */
  public ThreeDitMethod(ThreeDitSampler sampler, ClipTokenizer tokenizer) {
    this(null, sampler, tokenizer);
  }

  private ThreeDitMethod(Scope scope, ThreeDitSampler sampler, ClipTokenizer tokenizer) {
    this.scope = scope;
    this.sampler = sampler;
    this.tokenizer = tokenizer;
  }

  /**
   * Loads a checkpoint, with CLIP's tokenizer.
   *
   * @param model a folder that Nacre wrote, or a file of the original code, of the published sizes
   * @throws WeightsException in one line, if a file is missing or malformed, or does not fit
   */
  public static ThreeDitMethod load(Path model, Device device) throws WeightsException {
    boolean isFolder = Files.isDirectory(model);
    ThreeDitConfig config = isFolder ? ThreeDitFolder.config(model) : ThreeDitConfig.published();
    if (config.text().isEmpty()) {
      throw new WeightsException(
          model, "is Zero-1-to-3, which turns a single object and takes no text; 3DIT is wanted");
    }
    ClipTokenizer tokenizer = ClipTokenizer.ofClip(Map.of());
    Scope scope = Scope.open();
    try {
      Parameters p = Parameters.unwritten(device, DType.F32);
      ThreeDit networks = new ThreeDit(p, config);
      if (isFolder) {
        ThreeDitFolder.load(model, p, config);
      } else {
        new ThreeDitFile(model).load(p, config);
      }
      return new ThreeDitMethod(scope, ThreeDitSampler.of(networks), tokenizer);
    } catch (WeightsException | RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return "3DIT";
  }

  @Override
  public float[] draw(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep)
      throws IOException {
    List<List<ObjectEdit>> edits = cases.stream().map(ThreeDitMethod::edits).toList();
    return Pictures.joined(
        cases, (edit, i) -> draw(edit, edits.get(i), Seeds.of(seed, firstNumber + i), eachStep));
  }

  /**
   * The edits of a case, each of one object.
   *
   * @throws EditException if it is none of 3DIT's
   */
  static List<ObjectEdit> edits(EditCase edit) {
    SceneView view = edit.view();
    if (edit.edits().isEmpty()) {
      return List.of(
          ObjectEdit.between(view.scene(), view.source(), view.target())
              .orElseThrow(
                  () ->
                      new EditException(
                          String.format(
                              Locale.ROOT,
                              "case %s: 3DIT moves, turns or removes one object while the camera"
                                  + " stands still",
                              edit.id()))));
    }
    if (view.source() != view.target()) {
      throw new EditException(
          String.format(
              Locale.ROOT,
              "case %s: 3DIT edits the source frame, and the case edits frame %d instead",
              edit.id(),
              view.target()));
    }
    List<ObjectEdit> all = new ArrayList<>();
    for (int i = 0; i < edit.edits().size(); i++) {
      Edit one = edit.edits().get(i);
      all.add(
          switch (one) {
            case Edit.Translate e -> {
              List<Edit> until = edit.edits().subList(0, i + 1);
              EditedScene after = EditedScene.apply(view.scene(), view.target(), until);
              int index = view.scene().indexOf(e.object());
              yield ObjectEdit.translate(
                  e.object(), after.slots().get(index).box(), after.camera());
            }
            case Edit.Rotate e -> ObjectEdit.rotate(e.object(), degrees(e, view.scene().up()));
            case Edit.Remove e -> ObjectEdit.remove(e.object());
            case Edit.Resize e -> throw impossible(edit, "resize " + e.object());
            case Edit.Duplicate e -> throw impossible(edit, "duplicate " + e.object());
            case Edit.Replace e -> throw impossible(edit, "replace " + e.object());
            case Edit.Background e -> throw impossible(edit, "background " + e.scene());
            case Edit.MoveCamera _ -> throw impossible(edit, "camera");
          });
    }
    edit.edited(); // refuses objects that do not exist
    return all;
  }

  private static double degrees(Edit.Rotate edit, Vec3 up) {
    double along = edit.axis() == null ? 1 : edit.axis().normalized().dot(up);
    if (Math.abs(along) < 1 - 1e-6) {
      throw new EditException(
          "rotate " + edit.object() + ": 3DIT turns objects about the vertical only");
    }
    return along * edit.degrees();
  }

  private static EditException impossible(EditCase edit, String what) {
    return new EditException(
        String.format(
            Locale.ROOT,
            "case %s: %s: 3DIT moves, turns and removes objects, and nothing else",
            edit.id(),
            what));
  }

  private float[] draw(EditCase edit, List<ObjectEdit> edits, long seed, Runnable eachStep) {
    ThreeDit model = sampler.model();
    Device device = model.device();
    int size = edit.size();
    int side = model.config().imageSize();
    try (Scope _ = Scope.open()) {
      float[] values = Rgb.floats(edit.view().clip().rgb(edit.view().source()));
      Tensor picture = Tensor.of(device, Shape.of(1, size, size, 3), values);
      for (int i = 0; i < edits.size(); i++) {
        ObjectEdit one = edits.get(i);
        int[] ids = tokenizer.encode(one.sentence()).ids();
        Tensor seen = Ops.affine(resized(picture, side), 2, -1);
        Tensor tokens = model.tokens(Tensor.ofInts(device, Shape.of(1, ids.length), ids), seen);
        float[] numbers = new float[ThreeDit.NUMBERS];
        for (int k = 0; k < numbers.length; k++) {
          numbers[k] = one.numbers().get(k);
        }
        Tensor context =
            model.context(tokens, Tensor.of(device, Shape.of(1, numbers.length), numbers));
        long own = seed + i;
        Tensor drawn =
            sampler.sample(
                context,
                model.source(seen),
                noise(own, 0),
                step -> noise(own, step + 1),
                _ -> eachStep.run());
        picture = resized(Ops.clamp(Ops.affine(drawn, 0.5, 0.5), 0, 1), size);
      }
      return picture.toFloats();
    }
  }

  private Tensor noise(long seed, int stream) {
    ThreeDit model = sampler.model();
    Tensor noise = Tensor.empty(model.device(), DType.F32, model.latents(1));
    model.device().backend().normal(seed, stream, noise);
    return noise;
  }

  private static Tensor resized(Tensor picture, int size) {
    return picture.dim(1) == size ? picture : Ops.resize(picture, size, size);
  }

  @Override
  public void close() {
    if (scope != null) {
      scope.close();
    }
  }
}
