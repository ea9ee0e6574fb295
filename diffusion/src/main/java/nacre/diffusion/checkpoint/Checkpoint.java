package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;
import nacre.diffusion.schedule.NoiseSchedule;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerChoice;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.schedule.Schedulers;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.Parameters;
import nacre.tensor.Tensor;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A Stable Diffusion model on disk, in either of its forms: a folder with a config and weights for
 * each component, or a single file. Both give the same configs, and the same weights under the
 * names that they have in memory.
 */
public sealed interface Checkpoint permits DiffusersFolder, SingleFile {

  /** The path of the scheduler's config below the model's folder. */
  String SCHEDULER = "scheduler/scheduler_config.json";

  /**
   * Opens the model at a path.
   *
   * @throws WeightsException if there is nothing, or a file that holds no known model, in one line
   */
  static Checkpoint open(Path path) throws WeightsException {
    return Files.isDirectory(path) ? new DiffusersFolder(path) : SingleFile.open(path);
  }

  /**
   * Reads one of the model's JSON files.
   *
   * @param name below the model's folder, {@code unet/config.json}
   * @param build may reject the object by an {@link IllegalArgumentException}
   * @throws WeightsException if it is missing, malformed or refused, in one line
   */
  <T> T config(String name, Function<JsonNode, T> build) throws WeightsException;

  /**
   * The weights of a component, which the caller closes.
   *
   * @throws WeightsException if they are missing or malformed, in one line
   */
  StateDict weights(Component component) throws WeightsException;

  /**
   * Builds the UNet and fills it.
   *
   * @param p where to put the parameters; {@link Parameters#unwritten} suffices
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  default UNet2DCondition readUNet(Parameters p) throws WeightsException {
    return read(Component.UNET, p, json -> new UNet2DCondition(p, UNetConfig.of(json)));
  }

  /**
   * Builds the autoencoder and fills it.
   *
   * @param p where to put the parameters; {@link Parameters#unwritten} suffices
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  default AutoencoderKL readVae(Parameters p) throws WeightsException {
    return read(Component.VAE, p, json -> new AutoencoderKL(p, VaeConfig.of(json)));
  }

  /**
   * Builds the text encoder and fills it.
   *
   * @param p where to put the parameters; {@link Parameters#unwritten} suffices
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  default ClipTextModel readTextEncoder(Parameters p) throws WeightsException {
    return read(Component.TEXT_ENCODER, p, json -> new ClipTextModel(p, ClipTextConfig.of(json)));
  }

  /**
   * The scheduler that the model describes.
   *
   * @param steps number of steps
   * @throws WeightsException if the file is missing or malformed, in one line
   */
  default Scheduler readScheduler(int steps) throws WeightsException {
    return config(SCHEDULER, json -> Scheduler.of(SchedulerConfig.of(json), steps));
  }

  /**
   * A scheduler of another class than the model's, from the same configuration.
   *
   * @param steps number of steps
   * @throws WeightsException if the file is missing or malformed, in one line
   */
  default Scheduler readScheduler(SchedulerChoice choice, int steps) throws WeightsException {
    return config(SCHEDULER, json -> Scheduler.of(choice.configure(json), steps));
  }

  /**
   * The noise schedule of training that the model describes, whatever its class.
   *
   * @throws WeightsException if the file is missing or malformed, in one line
   */
  default NoiseSchedule readNoiseSchedule() throws WeightsException {
    return config(SCHEDULER, json -> new NoiseSchedule(SchedulerConfig.of(json, Schedulers.DDPM)));
  }

  private <T> T read(Component component, Parameters p, Function<JsonNode, T> build)
      throws WeightsException {
    T model = config(component.config(), build);
    Map<String, Tensor> parameters = p.relative();
    try (StateDict dict = weights(component)) {
      dict.loadInto(parameters);
    }
    return model;
  }
}
