package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import nacre.diffusion.schedule.PredictionType;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.nn.Parameters;
import nacre.weights.JsonFile;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A model on disk as diffusers saves it: {@code model_index.json}, and a folder for each component
 * with its config and weights, {@code unet/}, {@code vae/}, {@code scheduler/}. Parameter names on
 * disk are those in memory.
 */
public final class DiffusersFolder implements Checkpoint {
  /** The list of a model's components and their classes. */
  static final String INDEX = "model_index.json";

  private final Path root;
  private final Optional<PredictionType> prediction;

  /** The folder that holds the components. */
  public DiffusersFolder(Path root) {
    this(root, Optional.empty());
  }

  /**
   * As {@link #DiffusersFolder(Path)}.
   *
   * @param prediction what the UNet predicts, if not what the scheduler's config says
   */
  public DiffusersFolder(Path root, Optional<PredictionType> prediction) {
    this.root = root;
    this.prediction = prediction;
  }

  /** The folder that holds the components. */
  public Path root() {
    return root;
  }

  @Override
  public Path path() {
    return root;
  }

  @Override
  public <T> T config(String name, Function<JsonNode, T> build) throws WeightsException {
    Path file = root.resolve(name);
    if (prediction.isEmpty() || !name.equals(SCHEDULER)) {
      return JsonFile.read(file, build);
    }
    String key = prediction.get().key();
    return JsonFile.read(
        file, json -> build.apply(((ObjectNode) json.deepCopy()).put("prediction_type", key)));
  }

  @Override
  public JsonNode index() throws WeightsException {
    Path index = root.resolve(INDEX);
    return Files.exists(index) ? JsonFile.read(index) : MissingNode.getInstance();
  }

  /** {@inheritDoc} Shards, and files of half precision by their names, are found too. */
  @Override
  public StateDict weights(Component component) throws WeightsException {
    StateDict dict = StateDict.open(root.resolve(component.folder()), component.stem());
    try {
      StrangeNames.requireNoScales(root.resolve(component.folder()), dict.entries().keySet());
      return dict.rename(component::currentName);
    } catch (WeightsException e) {
      dict.close();
      throw e;
    }
  }

  /**
   * Writes a UNet to {@code unet/}.
   *
   * @param p where it was built
   * @throws IOException if a file cannot be written, in one sentence
   */
  public void writeUNet(UNet2DCondition unet, Parameters p) throws IOException {
    save(Component.UNET, unet.config().toJson(), p);
  }

  /**
   * Writes an autoencoder to {@code vae/}.
   *
   * @param p where it was built
   * @throws IOException if a file cannot be written, in one sentence
   */
  public void writeVae(AutoencoderKL vae, Parameters p) throws IOException {
    save(Component.VAE, vae.config().toJson(), p);
  }

  /**
   * Writes a text encoder to {@code text_encoder/}.
   *
   * @param p where it was built
   * @throws IOException if a file cannot be written, in one sentence
   */
  public void writeTextEncoder(ClipTextModel text, Parameters p) throws IOException {
    save(Component.TEXT_ENCODER, text.config().toJson(), p);
  }

  /**
   * Writes a scheduler to {@code scheduler/}.
   *
   * @throws IOException if the file cannot be written, in one sentence
   */
  public void writeScheduler(Scheduler scheduler) throws IOException {
    JsonFile.write(root.resolve(SCHEDULER), scheduler.schedule().config().toJson());
  }

  /**
   * Writes {@code model_index.json}.
   *
   * @param pipeline name of the pipeline's class
   * @param components from the name of a component's folder to library and class, such as {@code
   *     unet → [diffusers, UNet2DConditionModel]}
   * @throws IOException if the file cannot be written, in one sentence
   */
  public void writeIndex(String pipeline, Map<String, List<String>> components) throws IOException {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("_class_name", pipeline);
    components.forEach(
        (name, kind) -> {
          ArrayNode pair = json.putArray(name);
          kind.forEach(pair::add);
        });
    JsonFile.write(root.resolve(INDEX), json);
  }

  private void save(Component component, JsonNode config, Parameters p) throws IOException {
    JsonFile.write(root.resolve(component.config()), config);
    SafeTensorsWriter writer = new SafeTensorsWriter();
    p.relative()
        .forEach(
            (name, tensor) ->
                writer.add(component.hubName(name), tensor, Layout.ofParameter(tensor.shape())));
    writer.write(root.resolve(component.folder()).resolve(component.stem() + ".safetensors"));
  }
}
