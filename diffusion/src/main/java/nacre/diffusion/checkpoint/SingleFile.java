package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import nacre.tensor.Shape;
import nacre.weights.JsonFile;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A whole model in one safetensors file under the original code's names, as {@code
 * v1-5-pruned-emaonly.safetensors}. Its configs are those in the metadata, where Nacre wrote the
 * file, or else those of the published model that it is recognized as.
 */
public final class SingleFile implements Checkpoint {
  /** A tensor name that only single files have. */
  private static final String MARK = OriginalNames.UNET + "input_blocks.0.0.weight";

  private static final String CONTEXT =
      OriginalNames.UNET + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";

  /** The noise schedule, the average of weights kept in training, and the autoencoder's losses. */
  private static final Predicate<String> LEFTOVER =
      Pattern.compile(
              "(sqrt_|log_)?(one_minus_|recip_|recipm1_)?alphas_cumprod(_prev)?|betas|logvar"
                  + "|posterior_(variance|log_variance_clipped|mean_coef[12])|global_step"
                  + "|model_ema\\..*|first_stage_model\\.loss\\..*"
                  + "|cond_stage_model\\.model\\.(text_projection|logit_scale|attn_mask)")
          .asMatchPredicate();

  private final Path path;
  private final String origin;
  private final Map<String, JsonNode> configs;

  private SingleFile(Path path, String origin, Map<String, JsonNode> configs) {
    this.path = path;
    this.origin = origin;
    this.configs = configs;
  }

  /** Whether tensors of these names belong to a single file. */
  public static boolean isOne(Map<String, ?> names) {
    return names.containsKey(MARK);
  }

  /**
   * Opens a file, and recognizes its family by its metadata, its tensors and its name.
   *
   * @throws WeightsException if it is missing or malformed, is not a known model, or is ambiguous,
   *     in one line
   */
  public static SingleFile open(Path path) throws WeightsException {
    return open(path, Optional.empty());
  }

  /**
   * As {@link #open(Path)}.
   *
   * @param family the model that it is, used where the file does not carry its own configs
   */
  public static SingleFile open(Path path, Optional<Family> family) throws WeightsException {
    try (StateDict file = StateDict.open(path)) {
      if (!isOne(file.entries())) {
        throw new WeightsException(path, "is no Stable Diffusion checkpoint: it has no " + MARK);
      }
      List<String> strangers =
          file.entries().keySet().stream()
              .filter(name -> !OriginalNames.belongs(name) && !LEFTOVER.test(name))
              .toList();
      if (!strangers.isEmpty()) {
        throw new WeightsException(
            path,
            "is not Stable Diffusion 1.x or 2.x: "
                + new StateDict.Difference(List.of(), strangers, List.of()));
      }
      Map<String, JsonNode> own = own(file, path);
      if (!own.isEmpty()) {
        return new SingleFile(path, "by its metadata", own);
      }
      Family known = family.isPresent() ? family.get() : recognize(path, file);
      return new SingleFile(path, "as " + known, known.configs());
    }
  }

  private static Map<String, JsonNode> own(StateDict file, Path path) throws WeightsException {
    Map<String, JsonNode> own = new TreeMap<>();
    for (Map.Entry<String, String> entry : file.metadata().entrySet()) {
      if (entry.getKey().endsWith(".json")) {
        own.put(entry.getKey(), JsonFile.parse(path, entry.getValue(), json -> json));
      }
    }
    return own;
  }

  private static Family recognize(Path path, StateDict file) throws WeightsException {
    Shape in = file.entries().get(MARK).shape();
    SafeTensors.Entry key = file.entries().get(CONTEXT);
    int width = key == null || key.shape().rank() != 2 ? 0 : key.shape().dim(1);
    int channels = in.rank() == 4 ? in.dim(1) : 0;
    Optional<String> other = OtherModels.withInput(channels);
    if (other.isPresent()) {
      throw new WeightsException(
          path,
          ("is %s: its UNet takes %d channels; supported are models that take a prompt (4 channels)"
                  + " and those for inpainting (9)")
              .formatted(other.get(), channels));
    }
    if (in.equals(Shape.of(320, 9, 3, 3)) && (width == 768 || width == 1024)) {
      return width == 768 ? Family.SD_1_5_INPAINTING : Family.SD_2_INPAINTING;
    }
    boolean known = in.equals(Shape.of(320, 4, 3, 3));
    if (known && width == 768) {
      return Family.SD_1_5;
    }
    if (!known || width != 1024) {
      throw new WeightsException(
          path,
          "is no model that is known: its first convolution is %s and its context %d wide; known are [320, 4, 3, 3] with 768 (Stable Diffusion 1.x) or 1024 (2.x)"
              .formatted(in, width));
    }
    String name = path.getFileName().toString();
    if (name.contains("512") != name.contains("768")) {
      return name.contains("512") ? Family.SD_2_1_BASE : Family.SD_2_1;
    }
    throw new WeightsException(
        path,
        "is Stable Diffusion 2.x, and neither its tensors nor its name tell which: put 512 or 768"
            + " into its name, or make it a folder with nacre weights convert --family "
            + Family.SD_2_1_BASE
            + " (512 pixels, predicts noise) or --family "
            + Family.SD_2_1
            + " (768 pixels, predicts velocity)");
  }

  /** The origin of its configs, {@code as sd-1.5} or {@code by its metadata}. */
  public String origin() {
    return origin;
  }

  /** The JSON files that a folder of this model has, by their names below it. */
  public Map<String, JsonNode> configs() {
    return configs;
  }

  /** Those of {@link #configs()} in a folder below, by their names in it. */
  public Map<String, JsonNode> configs(String folder) {
    Map<String, JsonNode> below = new TreeMap<>();
    String prefix = folder + "/";
    configs.forEach(
        (name, json) -> {
          if (name.startsWith(prefix)) {
            below.put(name.substring(prefix.length()), json);
          }
        });
    return below;
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public <T> T config(String name, Function<JsonNode, T> build) throws WeightsException {
    JsonNode json = configs.get(name);
    if (json == null) {
      throw new WeightsException(path, "has no " + name + " in its metadata");
    }
    try {
      return build.apply(json);
    } catch (IllegalArgumentException e) {
      throw new WeightsException(path, name + ": " + e.getMessage(), e);
    }
  }

  @Override
  public Optional<String> schedulerClass() {
    return Optional.ofNullable(configs.get(DiffusersFolder.INDEX))
        .flatMap(DiffusersFolder::className);
  }

  @Override
  public StateDict weights(Component component) throws WeightsException {
    StateDict file = StateDict.open(path);
    try {
      StateDict known = file.rename(name -> LEFTOVER.test(name) ? null : name);
      return component == Component.TEXT_ENCODER
          ? textEncoder(known)
          : read(known, OriginalNames.of(component, this));
    } catch (WeightsException e) {
      file.close();
      throw e;
    }
  }

  private static StateDict read(StateDict known, OriginalNames names) throws WeightsException {
    return known.under(names.prefix()).translate(names.dialect());
  }

  private StateDict textEncoder(StateDict known) throws WeightsException {
    StateDict openClip = known.under(OriginalNames.OPEN_CLIP);
    if (openClip.entries().isEmpty()) {
      return known.under(OriginalNames.CLIP).rename(Component.TEXT_ENCODER::currentName);
    }
    int layers = textEncoderConfig().numHiddenLayers();
    // The UNet was trained on the output of the penultimate layer; diffusers drops the last.
    String unused = "transformer.resblocks." + layers + ".";
    return openClip
        .rename(name -> name.startsWith(unused) ? null : name)
        .translate(OriginalNames.openClip(layers));
  }
}
