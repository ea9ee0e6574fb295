package nacre.nn;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import nacre.tensor.Tensor;
import nacre.weights.JsonFile;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A folder with a {@link Vit}, as transformers or timm write it: {@code config.json}, {@code
 * model.safetensors} or {@code pytorch_model.bin}. The {@code model_type} says of which {@linkplain
 * VitFamily family}. A single file will do where its tensors have timm's names, as {@code
 * dino_vitbase8_pretrain.pth} of DINO's authors: they say everything of a plain vision transformer.
 */
public final class VitFolder {
  private static final String STEM = "model";

  /** What DINO's training checkpoints, and modules spread over GPUs, put before a name. */
  private static final List<String> WRAPPERS = List.of("module.backbone.", "backbone.", "module.");

  private VitFolder() {}

  /** As {@link #load(Parameters, Path, boolean)}, without a pooling layer. */
  public static Vit load(Parameters p, Path folder) throws WeightsException {
    return load(p, folder, false);
  }

  /**
   * Builds the model that a folder describes and fills it with the folder's weights. The encoder
   * may be part of a larger model, whose other weights are ignored: a classifier, MAE's decoder,
   * CLIP's text tower and projections; and so is a pooling layer that is not requested.
   *
   * @param p where to put the parameters; {@link Parameters#unwritten} suffices
   * @param addPoolingLayer whether to load the pooling layer, which must then exist
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  public static Vit load(Parameters p, Path folder, boolean addPoolingLayer)
      throws WeightsException {
    VitConfig config = config(folder);
    Vit vit = new Vit(p, config, addPoolingLayer);
    read(folder, config, p.relative());
    return vit;
  }

  /**
   * The configuration of the model in a folder or a single file.
   *
   * @throws WeightsException if a file is missing, malformed or of another kind of model, in one
   *     line
   */
  public static VitConfig config(Path folder) throws WeightsException {
    if (Files.isRegularFile(folder)) {
      try (StateDict dict = open(folder)) {
        return TimmNames.config(folder, MissingNode.getInstance(), dict);
      }
    }
    Path file = folder.resolve("config.json");
    JsonNode json = JsonFile.read(file);
    if (!json.has("architecture")) {
      return JsonFile.read(file, VitConfig::of);
    }
    try (StateDict dict = open(folder)) {
      return TimmNames.config(file, json, dict);
    }
  }

  /**
   * Writes the weights in a folder over the parameters of a model.
   *
   * @param config the folder's {@link #config}
   * @param parameters the model's, by name
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line; nothing
   *     is written if it does not fit
   */
  public static void read(Path folder, VitConfig config, Map<String, Tensor> parameters)
      throws WeightsException {
    try (StateDict dict = open(folder)) {
      encoder(dict, config).loadInto(parameters, VitFamily::isIgnorable);
    }
  }

  /** The tensors, without what training put before the names of a vision transformer of timm. */
  private static StateDict open(Path path) throws WeightsException {
    StateDict dict = Files.isRegularFile(path) ? StateDict.open(path) : StateDict.open(path, STEM);
    return WRAPPERS.stream()
        .filter(prefix -> dict.entries().containsKey(prefix + TimmNames.FIRST))
        .findFirst()
        .map(dict::under)
        .orElse(dict);
  }

  /** The tensors of the encoder, named as in memory. */
  private static StateDict encoder(StateDict dict, VitConfig config) throws WeightsException {
    VitFamily family = config.family();
    if (family == VitFamily.VIT && TimmNames.are(dict.entries())) {
      return dict.translate(TimmNames.of(config.numHiddenLayers()));
    }
    String inside = family.prefix() + ".";
    boolean part = dict.entries().containsKey(inside + config.names().classToken());
    return (part ? dict.under(inside) : dict).rename(family::currentName);
  }

  /**
   * Writes a model so that {@code from_pretrained} of the family's class in transformers loads it.
   *
   * @param p where the model was built
   * @throws IOException if a file cannot be written, in one sentence
   */
  public static void save(Vit vit, Parameters p, Path folder) throws IOException {
    JsonFile.write(folder.resolve("config.json"), vit.config().toJson());
    new SafeTensorsWriter().addParameters(p.relative()).write(folder.resolve("model.safetensors"));
  }
}
