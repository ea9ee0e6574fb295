package nacre.neuralassets.model;

import static nacre.tensor.ops.Concat.concat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import nacre.diffusion.ModelFolders;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.Family;
import nacre.diffusion.checkpoint.ModelHints;
import nacre.diffusion.checkpoint.OtherModels;
import nacre.diffusion.schedule.PredictionType;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.schedule.Schedulers;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import nacre.neuralassets.model.Preset.UnetInput;
import nacre.nn.Parameters;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A Stable Diffusion model, 1.x or 2.x, with whose UNet and autoencoder a model begins: a folder as
 * diffusers saves it, or a single file. Its text encoder is not read, since tokens of objects take
 * the place of the text.
 *
 * @param checkpoint its files
 * @param hints what the user said of it, which goes before the files
 * @param unet its UNet's sizes; their {@code sample_size} is the base's
 * @param vae its autoencoder's
 * @param scheduler its noise schedule and what it predicts, for DDIM
 */
public record PretrainedBase(
    Checkpoint checkpoint,
    ModelHints hints,
    UNetConfig unet,
    VaeConfig vae,
    SchedulerConfig scheduler) {

  /** The key of a preset that names the folder or the file. */
  public static final String BASE = "base";

  private static final String FAMILY = "base_family";
  private static final String PREDICTION = "base_prediction";

  /** The keys of what goes before what its files say. */
  static final List<String> HINTS = List.of(FAMILY, PREDICTION);

  private static final String UNET = "unet";
  private static final String FIRST = "conv_in.weight";
  private static final String SOURCE = "source";
  private static final String VAE = "vae";
  private static final String SCHEDULER = "scheduler";
  private static final String SAMPLE_SIZE = "sample_size";
  private static final Set<Component> PARTS = EnumSet.of(Component.UNET, Component.VAE);

  /**
   * The base that a preset names.
   *
   * @param path a folder, or a single file
   * @param hints what goes before what its files say
   */
  public record Location(Path path, ModelHints hints) {
    /** The same, as a run keeps it. */
    public Location absolute() {
      return new Location(path.toAbsolutePath().normalize(), hints);
    }

    /** The location under a preset's keys, if it has one. */
    static Optional<Location> of(PresetReader preset) {
      Optional<String> path = preset.text(BASE);
      Optional<Family> family =
          preset
              .text(FAMILY)
              .map(
                  name ->
                      Family.named(name)
                          .orElseThrow(
                              () ->
                                  new IllegalArgumentException(
                                      FAMILY
                                          + " must be one of "
                                          + List.of(Family.values())
                                          + ", not "
                                          + name)));
      Optional<PredictionType> prediction = preset.text(PREDICTION).map(PredictionType::of);
      if (path.isEmpty() && (family.isPresent() || prediction.isPresent())) {
        throw new IllegalArgumentException(
            (family.isPresent() ? FAMILY : PREDICTION) + " says what a base is, and there is none");
      }
      return path.map(text -> new Location(Path.of(text), new ModelHints(family, prediction)));
    }
  }

  /**
   * Reads what the files at a place say, and compares names and shapes of their weights with it; no
   * weight is read yet.
   *
   * @throws WeightsException in one line, if there is no such model there
   */
  public static PretrainedBase open(Location place) throws WeightsException {
    Checkpoint checkpoint = ModelFolders.open(place.path, place.hints, PARTS);
    UNetConfig unet = checkpoint.unetConfig();
    VaeConfig vae = checkpoint.vaeConfig();
    requireBase(place.path, unet, vae);
    checkpoint.checkNoiseSchedule();
    PretrainedBase base =
        new PretrainedBase(checkpoint, place.hints, unet, vae, checkpoint.ddimConfig());
    checkpoint.checkWeights(PARTS);
    return base;
  }

  private static void requireBase(Path path, UNetConfig unet, VaeConfig vae)
      throws WeightsException {
    int channels = unet.inChannels();
    int latent = vae.latentChannels();
    String kind = null;
    if (channels == 2 * latent + 1) {
      kind = "a model for inpainting";
    } else if (OtherModels.withInput(channels).isPresent()) {
      kind = OtherModels.withInput(channels).get();
    } else if (channels != latent || unet.outChannels() != latent) {
      kind = "a model of another kind";
    }
    if (kind != null) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "is %s: its UNet takes %d channels and makes %d, its autoencoder has %d; a base is"
                  + " Stable Diffusion 1.x or 2.x, whose UNet takes and makes as many as that",
              kind,
              channels,
              unet.outChannels(),
              latent));
    }
    if (unet.timeCondProjDim() > 0) {
      throw new WeightsException(
          path,
          "was distilled for few steps: its UNet takes the guidance scale (time_cond_proj_dim);"
              + " take the model that it was distilled from");
    }
    if (vae.inChannels() != 3 || vae.outChannels() != 3) {
      throw new WeightsException(path, "has an autoencoder that is not for pictures of 3 channels");
    }
  }

  /** The folder, or the file. */
  public Path path() {
    return checkpoint.path();
  }

  /** Its family, and what it predicts, for the user. */
  public String describe() {
    String version =
        switch (unet.crossAttentionDim()) {
          case 768 -> "Stable Diffusion 1.x";
          case 1024 -> "Stable Diffusion 2.x";
          default -> "Stable Diffusion of another size";
        };
    return String.format(
        Locale.ROOT,
        "%s, context %d wide, predicts %s",
        version,
        unet.crossAttentionDim(),
        scheduler.predictionType().key());
  }

  /**
   * Writes this base into a preset's JSON: {@code base} and what was said of it, {@code unet} with
   * the sample size of the preset's images, {@code vae} and {@code scheduler}.
   *
   * @param replace whether what the preset has of the last three is replaced; if not, it must be
   *     the same
   * @throws IllegalArgumentException in one line, if it is not, or the sizes do not fit
   */
  void describe(ObjectNode preset, boolean replace) {
    Map<String, ObjectNode> own = parts();
    if (preset.path(Preset.UNET_INPUT).asText().equals(SOURCE)) {
      own.put(UNET, unet(UnetInput.SOURCE));
    }
    for (Map.Entry<String, ObjectNode> part : own.entrySet()) {
      JsonNode given = preset.path(part.getKey());
      if (!given.isObject() && preset.hasNonNull(part.getKey())) {
        throw new IllegalArgumentException(part.getKey() + " must be an object, or left out");
      }
      if (!replace && given.isObject()) {
        requireSame(part.getKey(), part.getValue(), complete(part.getKey(), given));
      }
    }
    preset.put(BASE, path().toAbsolutePath().normalize().toString());
    hints.family().ifPresent(family -> preset.put(FAMILY, family.toString()));
    hints.prediction().ifPresent(type -> preset.put(PREDICTION, type.key()));
    JsonNode side = preset.path("image_size");
    int factor = vae.downsampling();
    if (side.canConvertToInt() && side.intValue() % factor == 0) {
      own.get(UNET).put(SAMPLE_SIZE, side.intValue() / factor);
    } else if (side.isNumber()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "image_size is %s, a multiple of %d is wanted, by which the base's autoencoder"
                  + " divides it",
              side,
              factor));
    }
    preset.setAll(own);
  }

  /** The UNet's sizes for an input: one that sees the source frame takes twice the channels. */
  private ObjectNode unet(UnetInput input) {
    ObjectNode sizes = unet.toJson();
    return input == UnetInput.NOISE ? sizes : sizes.put("in_channels", 2 * unet.inChannels());
  }

  /** The sections of a preset that a base gives, complete. */
  private Map<String, ObjectNode> parts() {
    Map<String, ObjectNode> parts = new LinkedHashMap<>();
    parts.put(VAE, vae.toJson());
    parts.put(UNET, unet.toJson());
    parts.put(SCHEDULER, scheduler.toJson());
    return parts;
  }

  private static ObjectNode complete(String key, JsonNode given) {
    return switch (key) {
      case UNET -> UNetConfig.of(given).toJson();
      case VAE -> VaeConfig.of(given).toJson();
      default -> SchedulerConfig.of(given, Schedulers.DDIM).toJson();
    };
  }

  private static void requireSame(String section, ObjectNode base, ObjectNode preset) {
    for (Map.Entry<String, JsonNode> entry : base.properties()) {
      JsonNode other = preset.get(entry.getKey());
      if (!entry.getKey().equals(SAMPLE_SIZE) && !Objects.equals(entry.getValue(), other)) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "%s.%s is %s, that of the base is %s; leave out unet, vae and scheduler beside a"
                    + " base, which gives them",
                section,
                entry.getKey(),
                other,
                entry.getValue()));
      }
    }
  }

  /**
   * Writes the weights over those of a model.
   *
   * @param preset of the model
   * @param parameters the model's
   * @throws WeightsException in one line, if the weights are missing or do not fit
   */
  public void load(Preset preset, Parameters parameters) throws WeightsException {
    try {
      requireSame(UNET, unet(preset.unetInput()), preset.unet().toJson());
      requireSame(VAE, vae.toJson(), preset.vae().orElseThrow().toJson());
      requireSame(SCHEDULER, scheduler.toJson(), preset.scheduler().toJson());
    } catch (IllegalArgumentException e) {
      throw new WeightsException(path(), "is not the preset's: " + e.getMessage(), e);
    }
    for (Component part : PARTS) {
      try (StateDict weights = checkpoint.weights(part)) {
        Map<String, Tensor> own = parameters.at(part.folder()).base();
        if (part == Component.UNET && preset.seesSource()) {
          loadWidened(weights, own);
        } else {
          weights.loadInto(own);
        }
      }
    }
  }

  /** Its UNet's first layer knows no source frame: the weights for that begin as zeros. */
  private void loadWidened(StateDict weights, Map<String, Tensor> own) throws WeightsException {
    Map<String, Tensor> narrow = new LinkedHashMap<>(own);
    try (Scope _ = Scope.open()) {
      Tensor wide = own.get(FIRST);
      Tensor first = wide.like(wide.shape().with(3, unet.inChannels()));
      narrow.put(FIRST, first);
      weights.loadInto(narrow);
      Tensor zeros = Tensor.zeros(wide.device(), wide.dtype(), first.shape());
      wide.backend().cast(concat(3, first, zeros), wide);
    }
  }
}
