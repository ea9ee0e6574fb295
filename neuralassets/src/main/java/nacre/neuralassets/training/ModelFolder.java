package nacre.neuralassets.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import nacre.diffusion.lora.LoraWeights;
import nacre.neuralassets.encoder.ImageEncoderConfig;
import nacre.neuralassets.model.AssetTokens;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingPreset;
import nacre.nn.ImageProcessorConfig;
import nacre.nn.LoraConfig;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Tensor;
import nacre.weights.JsonFile;
import nacre.weights.Sha256;
import nacre.weights.StateDict;
import nacre.weights.TextFile;
import nacre.weights.WeightsException;

/**
 * A model on disk, as diffusers and transformers write theirs: {@code model_index.json}, and a
 * folder each for {@code unet}, {@code image_encoder}, {@code scheduler} and {@code asset_tokens};
 * the UNet's adapters, if it has any, in {@code pytorch_lora_weights.safetensors} for diffusers.
 * {@code preset.json} beside them is the preset the model was built from, and the only
 * configuration that is read back; those in the folders are for other programs. A folder is whole
 * in itself: it may be copied elsewhere without the rest of its run.
 */
public final class ModelFolder {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String PRESET = "preset.json";
  private static final String INDEX = "model_index.json";
  private static final String NAME = "_preset";
  private static final String CLASS = "_class_name";
  private static final String UNET = "unet";
  private static final String VAE = "vae";
  private static final String ENCODER = "image_encoder";

  private ModelFolder() {}

  /**
   * One part of a model.
   *
   * @param folder where it is on disk
   * @param prefix of its parameters in memory
   * @param stem of the file of parameters
   * @param library whose class it is
   * @param type the class
   * @param typeKey the key of the type in its {@code config.json}
   * @param typeInConfig the value of that key
   */
  private record Part(
      String folder,
      String prefix,
      String stem,
      String library,
      String type,
      String typeKey,
      String typeInConfig) {

    static Part diffusers(String folder, String type) {
      return new Part(
          folder, folder + ".", "diffusion_pytorch_model", "diffusers", type, CLASS, type);
    }
  }

  /** The parts of a model. A parameter belongs to the first whose prefix matches. */
  private static List<Part> parts(Preset preset) {
    List<Part> parts = new ArrayList<>();
    parts.add(Part.diffusers(UNET, "UNet2DConditionModel"));
    if (preset.vae().isPresent()) {
      parts.add(Part.diffusers(VAE, "AutoencoderKL"));
    }
    if (preset.assetTokens().hasEncoder()) {
      ImageEncoderConfig encoder = preset.imageEncoder();
      String type = encoder.modelType();
      parts.add(
          new Part(
              ENCODER,
              type + ".",
              "model",
              encoder.library(),
              encoder.className(),
              "model_type",
              type));
    }
    parts.add(new Part("asset_tokens", "", "model", "nacre", "AssetTokens", CLASS, "AssetTokens"));
    return parts;
  }

  /** The parameters of each part under the names that they have on disk. */
  private static Map<Part, Map<String, Tensor>> split(Preset preset, Map<String, Tensor> all) {
    Map<Part, Map<String, Tensor>> split = new LinkedHashMap<>();
    parts(preset).forEach(part -> split.put(part, new LinkedHashMap<>()));
    all.forEach(
        (name, tensor) -> {
          if (LoraConfig.isFactor(name)) {
            return;
          }
          Part part =
              split.keySet().stream().filter(p -> name.startsWith(p.prefix)).findFirst().get();
          split.get(part).put(name.substring(part.prefix.length()), tensor);
        });
    return split;
  }

  /** The UNet's adapters under their layers' names in it. */
  private static Map<String, Tensor> adapters(Map<String, Tensor> all) {
    Map<String, Tensor> adapters = new LinkedHashMap<>();
    all.forEach(
        (name, tensor) -> {
          if (LoraConfig.isFactor(name)) {
            adapters.put(name.substring(UNET.length() + 1), tensor);
          }
        });
    return adapters;
  }

  /** Whether a folder looks like a model. */
  public static boolean is(Path folder) {
    return Files.isRegularFile(folder.resolve(PRESET)) && Files.isDirectory(folder.resolve(UNET));
  }

  /**
   * Writes a model into an existing folder.
   *
   * @param parameters by name in memory
   */
  public static void write(Path folder, Preset preset, Map<String, Tensor> parameters)
      throws IOException {
    write(folder, preset, parameters, null);
  }

  /**
   * As the public method. Parameters that are not trained lie in files of their own, which are the
   * same in all models of a run.
   *
   * @param earlier the folder of an earlier model of the run, whose files of frozen parameters are
   *     linked to where the file system can; null for none
   * @return the names of the linked files below the folder, with slashes
   */
  static Set<String> write(Path folder, Preset preset, Map<String, Tensor> parameters, Path earlier)
      throws IOException {
    JsonNode root = JSON.readTree(preset.json());
    ObjectNode index = JSON.createObjectNode().put(CLASS, "NeuralAssets");
    index.put(NAME, preset.name());
    Set<String> linked = new TreeSet<>();
    for (Map.Entry<Part, Map<String, Tensor>> entry : split(preset, parameters).entrySet()) {
      Part part = entry.getKey();
      Path inside = Files.createDirectories(folder.resolve(part.folder));
      JsonFile.write(inside.resolve("config.json"), config(part, preset, root));
      PartFiles files = new PartFiles(part.folder, part.stem);
      linked.addAll(
          files.write(
              folder,
              entry.getValue(),
              name -> !preset.trainable().trains(part.prefix + name),
              earlier));
      index.putArray(part.folder).add(part.library).add(part.type);
    }
    if (preset.lora().isPresent()) {
      LoraWeights.write(
          folder.resolve(LoraWeights.FILE), preset.lora().get(), adapters(parameters));
    }
    AssetTokens tokens = preset.assetTokens();
    if (tokens.hasEncoder()) {
      ImageProcessorConfig images =
          new ImageProcessorConfig(tokens.imageSize(), tokens.imageMean(), tokens.imageStd());
      JsonFile.write(folder.resolve(ENCODER).resolve("preprocessor_config.json"), images.toJson());
    }
    JsonFile.write(
        Files.createDirectories(folder.resolve("scheduler")).resolve("scheduler_config.json"),
        preset.scheduler().toJson());
    index.putArray("scheduler").add("diffusers").add("DDIMScheduler");
    JsonFile.write(folder.resolve(INDEX), index);
    Files.writeString(folder.resolve(PRESET), preset.json());
    return linked;
  }

  /** The configuration of a part, with every key that its class needs, whatever the preset has. */
  private static ObjectNode config(Part part, Preset preset, JsonNode root) {
    return switch (part.folder) {
      case UNET -> preset.unet().toJson();
      case VAE -> preset.vae().orElseThrow().toJson();
      default -> {
        ObjectNode config = JSON.createObjectNode().put(part.typeKey, part.typeInConfig);
        yield config.setAll((ObjectNode) root.get(part.folder));
      }
    };
  }

  /**
   * The preset of a model.
   *
   * @throws IOException in one line, if the folder is not a model
   */
  public static Preset preset(Path folder) throws IOException {
    return switch (trainingPreset(folder)) {
      case Preset preset -> preset;
      case AutoencoderPreset _ ->
          throw new IOException(
              folder + ": is an autoencoder; a model of Neural Assets, which draws, is wanted");
    };
  }

  /**
   * The preset of a model, which may be an autoencoder.
   *
   * @throws IOException in one line, if the folder is not a model
   */
  static TrainingPreset trainingPreset(Path folder) throws IOException {
    Path file = folder.resolve(PRESET);
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          folder
              + ": "
              + (Files.exists(folder) ? "is no model: it has no " + PRESET : "no such folder"));
    }
    JsonNode index = JsonFile.read(folder.resolve(INDEX));
    try {
      return TrainingPreset.of(index.path(NAME).asText(PRESET), TextFile.read(file));
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Loads a model for sampling; it belongs to the current scope.
   *
   * @throws IOException in one line, if a file is missing, damaged or of another model
   */
  public static NeuralAssets load(Path folder, Device device) throws IOException {
    Preset preset = preset(folder);
    Parameters parameters = Parameters.unwritten(device, DType.F32).frozen();
    NeuralAssets model = new NeuralAssets(parameters, preset);
    read(folder, preset, parameters.all());
    if (preset.lora().isPresent()) {
      parameters = parameters.merged(preset.lora().get());
      model = new NeuralAssets(parameters, preset.merged());
    }
    parameters.prepack();
    return model;
  }

  /** Writes the tensors of a folder over parameters. */
  static void read(Path folder, Preset preset, Map<String, Tensor> parameters)
      throws WeightsException {
    for (Map.Entry<Part, Map<String, Tensor>> entry : split(preset, parameters).entrySet()) {
      Part part = entry.getKey();
      try (StateDict saved = StateDict.open(folder.resolve(part.folder), part.stem)) {
        saved.loadInto(entry.getValue());
      }
    }
    if (preset.lora().isPresent()) {
      LoraWeights.read(folder.resolve(LoraWeights.FILE), preset.lora().get(), adapters(parameters));
    }
  }

  /**
   * A digest of all files of a model folder: another model has another one.
   *
   * @throws IOException in one line, if a file cannot be read
   */
  public static String digest(Path folder) throws IOException {
    Sha256 digest = new Sha256();
    Checksums.of(folder, Map.of()).digests().forEach((name, file) -> digest.add(name).add(file));
    return digest.hex();
  }
}
