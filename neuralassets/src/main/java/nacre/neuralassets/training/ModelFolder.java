package nacre.neuralassets.training;

import com.fasterxml.jackson.core.JsonProcessingException;
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
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A model on disk, as diffusers and transformers write theirs: {@code model_index.json}, and a
 * folder each for {@code unet}, {@code image_encoder}, {@code scheduler} and {@code asset_tokens}.
 * {@code preset.json} beside them holds what the model was built from, and is what is read back;
 * the configurations in the folders are for other programs.
 */
public final class ModelFolder {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String PRESET = "preset.json";
  private static final String INDEX = "model_index.json";
  private static final String NAME = "_preset";

  private ModelFolder() {}

  /** One part of a model: where its parameters are in memory and on disk. */
  private enum Part {
    UNET("unet", "unet.", "diffusion_pytorch_model", "diffusers", "UNet2DConditionModel"),
    VAE("vae", "vae.", "diffusion_pytorch_model", "diffusers", "AutoencoderKL"),
    IMAGE_ENCODER("image_encoder", "vit.", "model", "transformers", "ViTModel"),
    ASSET_TOKENS("asset_tokens", "", "model", "nacre", "AssetTokens");

    final String folder;
    final String prefix;
    final String stem;
    final String library;
    final String type;

    Part(String folder, String prefix, String stem, String library, String type) {
      this.folder = folder;
      this.prefix = prefix;
      this.stem = stem;
      this.library = library;
      this.type = type;
    }

    /** The parameters of this part under the names that they have on disk. */
    Map<String, Tensor> of(Map<String, Tensor> all) {
      Map<String, Tensor> mine = new LinkedHashMap<>();
      all.forEach(
          (name, tensor) -> {
            if (of(name) == this) {
              mine.put(name.substring(prefix.length()), tensor);
            }
          });
      return mine;
    }

    private static Part of(String name) {
      for (Part part : values()) {
        if (part != ASSET_TOKENS && name.startsWith(part.prefix)) {
          return part;
        }
      }
      return ASSET_TOKENS;
    }
  }

  /** Whether a folder looks like a model's. */
  public static boolean is(Path folder) {
    return Files.isRegularFile(folder.resolve(PRESET))
        && Files.isDirectory(folder.resolve(Part.UNET.folder));
  }

  /**
   * Writes a model into a folder, which exists.
   *
   * @param parameters by name in memory
   */
  public static void write(Path folder, Preset preset, Map<String, Tensor> parameters)
      throws IOException {
    JsonNode root = JSON.readTree(preset.json());
    ObjectNode index = JSON.createObjectNode().put("_class_name", "NeuralAssets");
    index.put(NAME, preset.name());
    for (Part part : parts(preset)) {
      Path inside = Files.createDirectories(folder.resolve(part.folder));
      ObjectNode config = JSON.createObjectNode();
      config.put(part == Part.IMAGE_ENCODER ? "model_type" : "_class_name", typeIn(part));
      config.setAll((ObjectNode) root.get(part.folder));
      write(inside.resolve("config.json"), config);
      new SafeTensorsWriter()
          .addParameters(part.of(parameters))
          .write(inside.resolve(part.stem + ".safetensors"));
      index.putArray(part.folder).add(part.library).add(part.type);
    }
    ObjectNode scheduler = JSON.createObjectNode().put("_class_name", "DDIMScheduler");
    scheduler.setAll((ObjectNode) root.get("scheduler"));
    write(
        Files.createDirectories(folder.resolve("scheduler")).resolve("scheduler_config.json"),
        scheduler);
    index.putArray("scheduler").add("diffusers").add("DDIMScheduler");
    write(folder.resolve(INDEX), index);
    Files.writeString(folder.resolve(PRESET), preset.json());
  }

  private static List<Part> parts(Preset preset) {
    List<Part> parts = new ArrayList<>(List.of(Part.values()));
    if (preset.vae().isEmpty()) {
      parts.remove(Part.VAE);
    }
    return parts;
  }

  private static String typeIn(Part part) {
    return part == Part.IMAGE_ENCODER ? "vit" : part.type;
  }

  private static void write(Path file, JsonNode json) throws IOException {
    Files.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
  }

  /**
   * The preset of a model.
   *
   * @throws IOException in one line, if the folder is no model's
   */
  public static Preset preset(Path folder) throws IOException {
    Path file = folder.resolve(PRESET);
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          folder
              + ": "
              + (Files.exists(folder) ? "is no model: it has no " + PRESET : "no such folder"));
    }
    JsonNode index;
    try {
      index = JSON.readTree(Files.readAllBytes(folder.resolve(INDEX)));
    } catch (JsonProcessingException e) {
      throw new IOException(folder.resolve(INDEX) + ": is not valid JSON", e);
    }
    return Preset.of(index.path(NAME).asText(PRESET), Files.readString(file));
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
    parameters.prepack();
    return model;
  }

  /** Writes the tensors of a folder over parameters. */
  static void read(Path folder, Preset preset, Map<String, Tensor> parameters)
      throws WeightsException {
    for (Part part : parts(preset)) {
      try (StateDict saved = StateDict.open(folder.resolve(part.folder), part.stem)) {
        saved.loadInto(part.of(parameters));
      }
    }
  }
}
