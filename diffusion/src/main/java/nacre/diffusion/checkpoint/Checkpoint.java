package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
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
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.weights.OneLine;
import nacre.weights.ReadListener;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A Stable Diffusion model on disk, in either of its forms: a folder with a config and weights for
 * each component, or a single file. Both give the same configs, and the same weights under the
 * names that they have in memory.
 */
public sealed interface Checkpoint permits DiffusersFolder, SingleFile, WithVae {

  /** The path of the scheduler's config below the model's folder. */
  String SCHEDULER = "scheduler/scheduler_config.json";

  /**
   * Opens the model at a path.
   *
   * @throws WeightsException if there is nothing, or a file that holds no known model, in one line
   */
  static Checkpoint open(Path path) throws WeightsException {
    return open(path, ModelHints.NONE);
  }

  /**
   * As {@link #open(Path)}.
   *
   * @param hints what goes before what its files say; a folder's configs say its family
   */
  static Checkpoint open(Path path, ModelHints hints) throws WeightsException {
    if (!Files.isDirectory(path)) {
      return SingleFile.open(path, hints);
    }
    if (hints.family().isPresent()) {
      throw new WeightsException(
          path, "is a folder, whose configs say what it is; a family is for single files");
    }
    return new DiffusersFolder(path, hints.prediction());
  }

  /** The folder, or the file. */
  Path path();

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
   * What a user should know of the model though it can be used: keys of its configs and tensors of
   * its files that are passed over, a line each.
   *
   * @throws WeightsException if a config is missing or malformed, in one line
   */
  default List<String> notes() throws WeightsException {
    List<String> notes = new ArrayList<>();
    note(notes, Component.UNET, UNetConfig.KEYS);
    note(notes, Component.VAE, VaeConfig.KEYS);
    return notes;
  }

  private void note(List<String> notes, Component component, Set<String> keys)
      throws WeightsException {
    List<String> strange =
        config(
            component.config(),
            json ->
                json.properties().stream()
                    .map(Map.Entry::getKey)
                    .filter(key -> OldConfigs.isStrange(key, keys) && !OldConfigs.isHarmless(key))
                    .toList());
    if (!strange.isEmpty()) {
      notes.add(
          String.format(
              Locale.ROOT,
              "%s: keys that no %s has are passed over, as in diffusers: %s",
              component.config(),
              component.folder(),
              OneLine.list(strange)));
    }
  }

  /**
   * The UNet's configuration, mended where an older version of diffusers wrote it.
   *
   * @throws WeightsException if it is missing, malformed or not supported, in one line
   */
  default UNetConfig unetConfig() throws WeightsException {
    return config(Component.UNET.config(), json -> UNetConfig.of(OldConfigs.unet(json)));
  }

  /**
   * The autoencoder's configuration.
   *
   * @throws WeightsException if it is missing, malformed or not supported, in one line
   */
  default VaeConfig vaeConfig() throws WeightsException {
    return config(Component.VAE.config(), json -> VaeConfig.of(OldConfigs.vae(json)));
  }

  /**
   * The text encoder's configuration, which may be a part of a whole CLIP's.
   *
   * @throws WeightsException if it is missing, malformed or not supported, in one line
   */
  default ClipTextConfig textEncoderConfig() throws WeightsException {
    return config(
        Component.TEXT_ENCODER.config(), json -> ClipTextConfig.of(OldConfigs.text(json)));
  }

  /**
   * Compares the names and shapes of all weights with what the configs describe; no weight is read.
   *
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  default void checkWeights() throws WeightsException {
    checkWeights(EnumSet.allOf(Component.class));
  }

  /** As {@link #checkWeights()}, for some components; the others need not be there. */
  default void checkWeights(Set<Component> components) throws WeightsException {
    for (Component component : components) {
      try (Scope _ = Scope.open();
          StateDict dict = weights(component)) {
        // One byte an element, and none is touched.
        Parameters p = Parameters.unwritten(Device.host(), DType.U8).frozen();
        switch (component) {
          case UNET -> new UNet2DCondition(p, unetConfig());
          case VAE -> new AutoencoderKL(p, vaeConfig());
          case TEXT_ENCODER -> new ClipTextModel(p, textEncoderConfig());
        }
        dict.requireFits(p.relative());
      }
    }
  }

  /**
   * Builds the UNet and fills it.
   *
   * @param p where to put the parameters; {@link Parameters#unwritten} suffices
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  default UNet2DCondition readUNet(Parameters p) throws WeightsException {
    return readUNet(p, ReadListener.NONE);
  }

  /** As {@link #readUNet(Parameters)}, with a listener to the reading. */
  default UNet2DCondition readUNet(Parameters p, ReadListener listener) throws WeightsException {
    UNetConfig config = unetConfig();
    return fill(Component.UNET, p, () -> new UNet2DCondition(p, config), listener);
  }

  /**
   * Builds the autoencoder and fills it.
   *
   * @param p where to put the parameters; {@link Parameters#unwritten} suffices
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  default AutoencoderKL readVae(Parameters p) throws WeightsException {
    return readVae(p, ReadListener.NONE);
  }

  /** As {@link #readVae(Parameters)}, with a listener to the reading. */
  default AutoencoderKL readVae(Parameters p, ReadListener listener) throws WeightsException {
    VaeConfig config = vaeConfig();
    return fill(Component.VAE, p, () -> new AutoencoderKL(p, config), listener);
  }

  /**
   * Builds the text encoder and fills it.
   *
   * @param p where to put the parameters; {@link Parameters#unwritten} suffices
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  default ClipTextModel readTextEncoder(Parameters p) throws WeightsException {
    return readTextEncoder(p, ReadListener.NONE);
  }

  /** As {@link #readTextEncoder(Parameters)}, with a listener to the reading. */
  default ClipTextModel readTextEncoder(Parameters p, ReadListener listener)
      throws WeightsException {
    ClipTextConfig config = textEncoderConfig();
    return fill(Component.TEXT_ENCODER, p, () -> new ClipTextModel(p, config), listener);
  }

  /**
   * The {@code model_index.json}, which names the pipeline and the classes of its parts; a missing
   * node where there is none.
   *
   * @throws WeightsException if it is malformed, in one line
   */
  JsonNode index() throws WeightsException;

  /**
   * The scheduler that the model describes, mended as diffusers' pipeline does: it does not clip
   * samples, and its timesteps are counted from 1.
   *
   * @param steps number of steps
   * @throws WeightsException if the file is missing or malformed, in one line
   */
  default Scheduler readScheduler(int steps) throws WeightsException {
    JsonNode index = index();
    return config(
        SCHEDULER,
        json -> {
          JsonNode mended = OldConfigs.ownScheduler(json, index);
          return Scheduler.of(SchedulerConfig.of(mended), steps);
        });
  }

  /**
   * A scheduler of another class than the model's, from the same configuration.
   *
   * @param steps number of steps
   * @throws WeightsException if the file is missing or malformed, in one line
   */
  default Scheduler readScheduler(SchedulerChoice choice, int steps) throws WeightsException {
    JsonNode index = index();
    return config(
        SCHEDULER,
        json -> Scheduler.of(choice.configure(OldConfigs.otherScheduler(json, index)), steps));
  }

  /**
   * The configuration with which DDIM samples from what the model becomes by further training: its
   * noise schedule and its prediction. As Stable Diffusion's pipelines have it, samples are not
   * clipped and timesteps are counted from 1.
   *
   * @throws WeightsException if the file is missing or malformed, in one line
   */
  default SchedulerConfig ddimConfig() throws WeightsException {
    return config(SCHEDULER, json -> SchedulerConfig.of(OldConfigs.ddim(json), Schedulers.DDIM));
  }

  /**
   * Checks that the noise schedule and the prediction that the model describes go together.
   *
   * @throws WeightsException if they do not, or the file is missing or malformed, in one line
   */
  default void checkNoiseSchedule() throws WeightsException {
    config(
        SCHEDULER,
        json -> {
          SchedulerConfig.checkNoiseSchedule(json);
          return json;
        });
  }

  /**
   * The noise schedule of training that the model describes, whatever its class.
   *
   * @throws WeightsException if the file is missing or malformed, in one line
   */
  default NoiseSchedule readNoiseSchedule() throws WeightsException {
    JsonNode index = index();
    return config(
        SCHEDULER,
        json ->
            new NoiseSchedule(
                SchedulerConfig.of(OldConfigs.otherScheduler(json, index), Schedulers.DDPM)));
  }

  private <M> M fill(Component component, Parameters p, Supplier<M> build, ReadListener listener)
      throws WeightsException {
    try (StateDict dict = weights(component)) {
      listener.read(0, dict.bytes());
      M model = build.get();
      dict.loadInto(p.base(), listener);
      return model;
    }
  }
}
