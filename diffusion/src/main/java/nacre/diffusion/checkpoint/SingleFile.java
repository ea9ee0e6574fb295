package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import nacre.diffusion.schedule.PredictionType;
import nacre.diffusion.schedule.Schedulers;
import nacre.diffusion.schedule.TimestepSpacing;
import nacre.weights.JsonFile;
import nacre.weights.OneLine;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A whole model in one file under the original code's names, of safetensors or of PyTorch, as
 * {@code v1-5-pruned-emaonly.safetensors} and {@code v1-5-pruned.ckpt}. Its configs are those in
 * the metadata, where Nacre wrote the file, or else those of the published model that it is
 * recognized as.
 */
public final class SingleFile implements Checkpoint {
  private static final String PREDICTION_TYPE = "prediction_type";

  /** A tensor name that only single files have. */
  static final String MARK = OriginalNames.UNET + "input_blocks.0.0.weight";

  private final Path path;
  private final String origin;
  private final Map<String, JsonNode> configs;
  private final List<String> passedOver;
  private final Optional<String> leftOut;

  private SingleFile(
      Path path,
      String origin,
      Map<String, JsonNode> configs,
      List<String> passedOver,
      Optional<String> leftOut) {
    this.path = path;
    this.origin = origin;
    this.configs = configs;
    this.passedOver = passedOver;
    this.leftOut = leftOut;
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
    return open(path, ModelHints.NONE);
  }

  /**
   * As {@link #open(Path)}.
   *
   * @param hints what goes before what the file says of itself
   */
  public static SingleFile open(Path path, ModelHints hints) throws WeightsException {
    try (StateDict file = StateDict.open(path)) {
      Set<String> names = file.entries().keySet();
      if (!isOne(file.entries())) {
        throw new WeightsException(
            path,
            OtherModels.of(names)
                .map(other -> "is " + other + ", not Stable Diffusion 1.x or 2.x in a single file")
                .orElse("is no Stable Diffusion checkpoint: it has no " + MARK));
      }
      List<String> passedOver = StrangeNames.harmless(path, names);
      Map<String, JsonNode> own = own(file, path);
      if (!own.isEmpty() && hints.family().isEmpty()) {
        hints.prediction().ifPresent(type -> predict(own, type));
        return new SingleFile(path, "by its metadata", own, passedOver, leftOut(file));
      }
      Recognition known =
          hints.family().isPresent()
              ? new Recognition(hints.family().get(), Optional.empty(), false)
              : Recognition.of(path, file);
      Map<String, JsonNode> configs = known.family().configs();
      Optional<PredictionType> prediction = hints.prediction().or(known::prediction);
      prediction.ifPresent(type -> predict(configs, type));
      boolean zeroSnr = known.zeroSnr() && predicts(configs) != PredictionType.EPSILON;
      if (zeroSnr) {
        endInNoise(configs);
      }
      String origin =
          String.format(
              Locale.ROOT,
              "as %s%s%s",
              known.family(),
              prediction.map(type -> ", predicting " + type.key()).orElse(""),
              zeroSnr ? ", with a zero terminal SNR" : "");
      return new SingleFile(path, origin, configs, passedOver, leftOut(file));
    }
  }

  private static ObjectNode scheduler(Map<String, JsonNode> configs) {
    return (ObjectNode)
        configs.computeIfAbsent(SCHEDULER, _ -> JsonNodeFactory.instance.objectNode());
  }

  private static void predict(Map<String, JsonNode> configs, PredictionType type) {
    scheduler(configs).put(PREDICTION_TYPE, type.key());
  }

  private static PredictionType predicts(Map<String, JsonNode> configs) {
    String key = scheduler(configs).path(PREDICTION_TYPE).asText(PredictionType.EPSILON.key());
    return PredictionType.of(key);
  }

  /** A schedule that ends in pure noise, from which sampling has to begin: Lin et al., 2023. */
  private static void endInNoise(Map<String, JsonNode> configs) {
    String className = Schedulers.DDIM.className();
    scheduler(configs)
        .put("_class_name", className)
        .put("rescale_betas_zero_snr", true)
        .put("timestep_spacing", TimestepSpacing.TRAILING.key());
    if (configs.get(DiffusersFolder.INDEX) instanceof ObjectNode index) {
      index.putArray("scheduler").add("diffusers").add(className);
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

  /**
   * The origin of its configs, {@code by its metadata} or {@code as sd-1.5, predicting
   * v_prediction}.
   */
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

  /** What else a training checkpoint holds, if anything. */
  private static Optional<String> leftOut(StateDict file) {
    return file.leftOut().isEmpty()
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "its weights are those under %s; `nacre weights convert --key` takes others (%d):"
                    + " %s",
                file.taken().orElse(""),
                file.leftOut().size(),
                OneLine.list(file.leftOut())));
  }

  @Override
  public List<String> notes() throws WeightsException {
    List<String> notes = new ArrayList<>(Checkpoint.super.notes());
    if (!passedOver.isEmpty()) {
      notes.add(
          String.format(
              Locale.ROOT,
              "tensors that are of no use to draw with are passed over (%d): %s",
              passedOver.size(),
              OneLine.list(passedOver)));
    }
    leftOut.ifPresent(notes::add);
    return notes;
  }

  @Override
  public JsonNode index() {
    return configs.getOrDefault(DiffusersFolder.INDEX, MissingNode.getInstance());
  }

  @Override
  public StateDict weights(Component component) throws WeightsException {
    StateDict file = StateDict.open(path);
    try {
      StateDict known = file.rename(name -> StrangeNames.isPassedOver(name) ? null : name);
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
