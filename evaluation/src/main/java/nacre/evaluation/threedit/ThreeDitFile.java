package nacre.evaluation.threedit;

import static nacre.tensor.ops.Ops.concat;
import static nacre.tensor.ops.Ops.permute;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.OriginalNames;
import nacre.nn.Parameters;
import nacre.nn.VitFamily;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A checkpoint of 3DIT or Zero-1-to-3 in one file, as their code writes it: {@code
 * model.diffusion_model.*}, {@code cc_projection.*}, {@code first_stage_model.*}, {@code
 * cond_stage_model.*}, perhaps all below {@code state_dict.}, and averages of the UNet under {@code
 * model_ema.*}. What else there is, as the noise schedule, is passed over.
 *
 * @param path of the file
 * @param averaged whether the UNet is read from the averages; the published scripts do not
 */
public record ThreeDitFile(Path path, boolean averaged) {
  private static final String UNET = "model.diffusion_model.";
  private static final String AVERAGES = "model_ema.";
  private static final String OUTER = "state_dict.";
  private static final String CONV_IN = "conv_in.weight";

  /** A file whose UNet is read as it was at the end of training. */
  public ThreeDitFile(Path path) {
    this(path, false);
  }

  /**
   * Writes the weights over those of a model.
   *
   * @param p in which the model was built
   * @throws WeightsException in one line, if the file is missing or malformed, or does not fit
   */
  public void load(Parameters p, ThreeDitConfig config) throws WeightsException {
    try (StateDict whole = open()) {
      StateDict all = unwrapped(whole);
      unet(all, config, false).loadInto(p.at("unet").relative());
      all.under("cc_projection.").loadInto(p.at("cc_projection").relative());
      vae(all, config).loadInto(p.at("vae").relative(), name -> name.startsWith("loss."));
      if (config.text().isPresent()) {
        all.under("cond_stage_model.text_model.transformer.")
            .rename(Component.TEXT_ENCODER::currentName)
            .loadInto(p.at("text_encoder").relative());
      }
      vision(all, config, p.at("image_encoder"));
    }
  }

  /**
   * Begins with a UNet and an autoencoder: of Zero-1-to-3, or of Stable Diffusion 1.x, whose UNet
   * takes half as many channels: for the source's latent its weights are zeros then. {@code
   * cc_projection} is the file's, or else near the identity.
   *
   * @param p in which the model was built
   * @throws WeightsException as {@link #load}
   */
  public void begin(Parameters p, ThreeDitConfig config) throws WeightsException {
    try (StateDict whole = open()) {
      StateDict all = unwrapped(whole);
      StateDict unet = unet(all, config, true);
      Map<String, Tensor> parameters = new HashMap<>(p.at("unet").relative());
      SafeTensors.Entry entry = unet.entries().get(CONV_IN);
      Tensor first = parameters.get(CONV_IN);
      if (entry != null && entry.shape().rank() == 4 && 2 * entry.shape().dim(1) == first.dim(3)) {
        parameters.remove(CONV_IN);
        unet.loadInto(parameters, CONV_IN::equals);
        widen(entry, first);
      } else {
        unet.loadInto(parameters);
      }
      StateDict projection = all.under("cc_projection.");
      if (projection.entries().isEmpty()) {
        ThreeDit.initializeProjection(p);
      } else {
        projection.loadInto(p.at("cc_projection").relative());
      }
      vae(all, config).loadInto(p.at("vae").relative(), name -> name.startsWith("loss."));
    }
  }

  /** Reads a convolution of half as many channels, and zeros for the others. */
  private static void widen(SafeTensors.Entry entry, Tensor first) throws WeightsException {
    try (Scope _ = Scope.open()) {
      Tensor half = entry.toTensor(first.device(), DType.F32, Layout.CHANNELS);
      Tensor both = concat(3, half, Tensor.zeros(first.device(), DType.F32, half.shape()));
      first.backend().cast(both, first);
    }
  }

  private StateDict open() throws WeightsException {
    return StateDict.open(path);
  }

  /** The tensors without {@code state_dict.} before their names. */
  private StateDict unwrapped(StateDict whole) throws WeightsException {
    boolean wrapped = whole.entries().keySet().stream().anyMatch(name -> name.startsWith(OUTER));
    StateDict all = wrapped ? whole.under(OUTER) : whole;
    if (all.entries().keySet().stream().noneMatch(name -> name.startsWith(UNET))) {
      throw new WeightsException(
          path, "is no checkpoint of 3DIT or Zero-1-to-3: no tensor's name begins with " + UNET);
    }
    return all;
  }

  private StateDict unet(StateDict all, ThreeDitConfig config, boolean begins)
      throws WeightsException {
    if (!averaged || begins) {
      return all.under(UNET).translate(OriginalNames.unet(config.unet()));
    }
    // The averages' names are the others' without dots.
    Map<String, String> names = new HashMap<>();
    for (String name : all.entries().keySet()) {
      if (name.startsWith(UNET)) {
        names.put(
            AVERAGES + name.substring("model.".length()).replace(".", ""),
            name.substring(UNET.length()));
      }
    }
    StateDict averages = all.rename(names::get);
    if (averages.entries().isEmpty()) {
      throw new WeightsException(path, "has no averages of the UNet, " + AVERAGES + "*");
    }
    return averages.translate(OriginalNames.unet(config.unet()));
  }

  private static StateDict vae(StateDict all, ThreeDitConfig config) throws WeightsException {
    return all.under("first_stage_model.").translate(OriginalNames.vae(config.vae()));
  }

  private void vision(StateDict all, ThreeDitConfig config, Parameters p) throws WeightsException {
    StateDict visual = all.under("cond_stage_model.model.visual.");
    Map<String, Tensor> parameters = new HashMap<>(p.relative());
    Tensor projection = parameters.remove("visual_projection.weight");
    SafeTensors.Entry stored = visual.entries().get(ClipVisualNames.PROJECTION);
    Shape wanted = Shape.of(projection.dim(1), projection.dim(0));
    if (stored == null || !stored.shape().equals(wanted)) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "cond_stage_model.model.visual.%s is %s, %s is wanted",
              ClipVisualNames.PROJECTION,
              stored == null ? "missing" : stored.shape(),
              wanted));
    }
    visual
        .translate(ClipVisualNames.of(config.vision().numHiddenLayers()))
        .loadInto(
            parameters,
            name -> name.equals(ClipVisualNames.PROJECTION) || VitFamily.isIgnorable(name));
    try (Scope _ = Scope.open()) {
      Tensor transposed = stored.toTensor(projection.device(), DType.F32, Layout.SAME);
      projection.backend().cast(permute(transposed, 1, 0), projection);
    }
  }
}
