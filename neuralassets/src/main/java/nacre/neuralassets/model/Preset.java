package nacre.neuralassets.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.schedule.Schedulers;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import nacre.neuralassets.encoder.ImageEncoderConfig;
import nacre.neuralassets.encoder.PretrainedEncoder;
import nacre.neuralassets.encoder.VitEncoder;
import nacre.nn.LoraConfig;
import nacre.nn.VitConfig;
import nacre.weights.ConfigRange;

/**
 * A preset: everything that determines a run, besides its seed. It is a JSON file; the built-in
 * ones are there to be copied and changed.
 *
 * @param name its name in messages
 * @param imageSize S, side of the images
 * @param fold side of the blocks of pixels that the UNet sees as one; 1 for plain pixels and for
 *     latents
 * @param unetInput what the UNet sees beside the noisy samples
 * @param coordinateOctaves 4 constant coordinate channels of the UNet for each; 0 in the paper
 * @param vae of diffusers' keys; if there is one the UNet draws its latents, as in the paper, else
 *     pixels
 * @param vaeFrom where the autoencoder's weights are: a folder, or {@value
 *     PretrainedAutoencoder#SHIPPED}; a base's or random ones if empty
 * @param unet of diffusers' keys
 * @param imageEncoder the encoder of source frames, where there is one; a vision transformer has
 *     transformers' keys
 * @param imageEncoderFrom the folder with whose weights the encoder begins; random ones if empty
 * @param base the pretrained model with whose UNet and autoencoder it begins; random ones if empty
 * @param lora the adapters by which the UNet is trained instead of its own weights, which are
 *     frozen then
 * @param assetTokens from the encoder to the UNet's context
 * @param scheduler of diffusers' keys
 * @param training how to train
 * @param sampling how to sample, unless the command line says otherwise
 * @param data the data set, which {@code DataConfig} reads
 * @param json the file's own text
 */
public record Preset(
    String name,
    int imageSize,
    int fold,
    UnetInput unetInput,
    int coordinateOctaves,
    Optional<VaeConfig> vae,
    Optional<String> vaeFrom,
    UNetConfig unet,
    ImageEncoderConfig imageEncoder,
    Optional<Path> imageEncoderFrom,
    Optional<PretrainedBase.Location> base,
    Optional<LoraConfig> lora,
    AssetTokens assetTokens,
    SchedulerConfig scheduler,
    TrainingConfig training,
    Sampling sampling,
    Optional<JsonNode> data,
    String json)
    implements TrainingPreset {

  static final String LORA = "lora";
  static final String UNET_INPUT = "unet_input";

  /** The input of the UNet. */
  public enum UnetInput {
    /** The noisy samples, as in the paper. */
    NOISE,
    /**
     * The noisy samples and those of the source frame, which doubles its channels, as in
     * Zero-1-to-3 and 3DIT.
     */
    SOURCE
  }

  /**
   * Checks the ranges, and that sizes that depend on each other fit.
   *
   * @throws IllegalArgumentException naming the key
   */
  public Preset {
    ConfigRange range = new ConfigRange("");
    range.whole("image_size", imageSize, 1, 8192);
    range.whole("fold", fold, 1, 8192);
    range.whole("coordinate_octaves", coordinateOctaves, 0, 30);
    int side = unet.sampleSize();
    int channels = unet.outChannels();
    requireFit(
        "unet.sample_size",
        side % unet.sizeMultiple() == 0,
        String.format(
            Locale.ROOT, "a multiple of %d, as downsample_padding is 0,", unet.sizeMultiple()));
    if (base.isPresent() && vaeFrom.isPresent()) {
      throw new IllegalArgumentException(
          "vae_from does not go with a base, which has an autoencoder: leave one of the two out");
    }
    if (vaeFrom.isPresent()) {
      requireFit("vae", vae.isPresent(), "that of vae_from");
    }
    if (vae.isPresent()) {
      VaeConfig latent = vae.get();
      requireFit("fold", fold == 1, "1, as there is a vae,");
      requireFit(
          "unet.sample_size",
          (long) side * latent.downsampling() == imageSize,
          "image_size / the vae's down-sampling");
      requireFit("unet.out_channels", channels == latent.latentChannels(), "latent_channels");
      requireFit("vae.in_channels", latent.inChannels() == 3, "3");
      requireFit("vae.out_channels", latent.outChannels() == 3, "3");
    } else {
      requireFit(
          "unet.sample_size",
          (long) side * fold == imageSize,
          "image_size / fold, as there is no vae,");
      requireFit("unet.out_channels", channels == 3L * fold * fold, "3 · fold²");
    }
    requireFit(
        "asset_tokens.image_size",
        !assetTokens.hasEncoder() || assetTokens.imageSize() % imageEncoder.patchSize() == 0,
        "a multiple of the encoder's patch_size");
    if (!assetTokens.encoderPositions() && imageEncoder.positions().isEmpty()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "asset_tokens.encoder_positions does not fit the rest: of image_encoder.model_type %s"
                  + " no positions are known that could be left out",
              imageEncoder.modelType()));
    }
    requireFit(
        "unet.in_channels",
        unet.inChannels()
            == channels * (unetInput == UnetInput.SOURCE ? 2 : 1) + 4 * coordinateOctaves,
        unetInput == UnetInput.SOURCE
            ? "2 · unet.out_channels + 4 · coordinate_octaves, as unet_input is \"source\","
            : "unet.out_channels + 4 · coordinate_octaves");
    requireFit(
        "asset_tokens.content",
        assetTokens.hasEncoder() || unetInput == UnetInput.SOURCE,
        "\"unet_input\": \"source\" beside boxes, which say nothing of looks,");
    if (!assetTokens.hasEncoder() && imageEncoderFrom.isPresent()) {
      throw new IllegalArgumentException(
          PretrainedEncoder.FROM
              + " does not go with tokens of boxes (asset_tokens.content), which have no image"
              + " encoder: leave one of the two out");
    }
    requireFit(
        "sampling.num_inference_steps",
        sampling.numInferenceSteps() <= scheduler.numTrainTimesteps(),
        "at most scheduler.num_train_timesteps");
    TrainingConfig.requireArray(imageSize, training);
  }

  private static void requireFit(String key, boolean fits, String wanted) {
    if (!fits) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s does not fit the rest: %s is wanted", key, wanted));
    }
  }

  /**
   * The sampling settings.
   *
   * @param numInferenceSteps steps of DDIM
   * @param guidanceScale 1 for none
   */
  public record Sampling(int numInferenceSteps, double guidanceScale) {
    /** Checks the ranges, as {@link TrainingConfig} does. */
    public Sampling {
      ConfigRange range = new ConfigRange("sampling.");
      range.whole("num_inference_steps", numInferenceSteps, 1, 1_000_000);
      range.number("guidance_scale", guidanceScale, 0, 1e6);
    }
  }

  /** The names of those that come with the project. */
  public static List<String> builtin() {
    return PresetFile.builtin().stream()
        .filter(name -> !AutoencoderPreset.is(PresetFile.builtin(name)))
        .toList();
  }

  /**
   * A preset that comes with the project.
   *
   * @throws IllegalArgumentException naming those there are, if this is none
   */
  public static Preset builtin(String name) {
    try {
      return PresetFile.builtin(name).preset();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // they are in the jar
    }
  }

  /**
   * A preset by the name of a built-in one, or from a file. What it leaves out of the sizes of a
   * pretrained base or image encoder that it names is read from there; a relative path in a file
   * starts at the file's folder.
   *
   * @throws IOException if a file cannot be read
   * @throws IllegalArgumentException in one line, if there is neither, or its content is wrong
   */
  public static Preset named(String name) throws IOException {
    return PresetFile.named(name).preset();
  }

  /** As {@link #named}, from a file. */
  public static Preset read(Path file) throws IOException {
    return PresetFile.read(file).preset();
  }

  /**
   * A preset in a text, which must be complete.
   *
   * @param name its name in messages
   * @throws IllegalArgumentException in one line, if the text is wrong
   */
  public static Preset of(String name, String json) {
    return of(PresetFile.of(name, json));
  }

  static Preset of(PresetFile file) {
    PresetReader reader = new PresetReader(file.name(), "", file.root());
    try {
      Preset preset = read(file.name(), file.json(), reader);
      reader.end();
      return preset;
    } catch (IllegalArgumentException e) {
      throw PresetReader.named(file.name(), e);
    }
  }

  private static Preset read(String name, String json, PresetReader reader) {
    String content =
        reader.optional("asset_tokens").map(t -> t.path("content").asText()).orElse("");
    ImageEncoderConfig encoder =
        content.equals("boxes") && reader.optional("image_encoder").isEmpty()
            ? new VitEncoder.Config(VitConfig.of(JsonNodeFactory.instance.objectNode())) // not used
            : reader.imageEncoder("image_encoder");
    return new Preset(
        name,
        reader.integer("image_size"),
        reader.integer("fold"),
        reader.choice(UNET_INPUT, UnetInput.class, UnetInput.NOISE),
        reader.integer("coordinate_octaves"),
        reader.optional("vae").map(vae -> reader.library("vae", PresetKeys.VAE, VaeConfig::of)),
        reader.text(PretrainedAutoencoder.FROM),
        reader.library("unet", PresetKeys.UNET, UNetConfig::of),
        encoder,
        reader.text(PretrainedEncoder.FROM).map(Path::of),
        PretrainedBase.Location.of(reader),
        lora(reader),
        assetTokens(reader.object("asset_tokens"), encoder),
        reader.library(
            "scheduler", PresetKeys.SCHEDULER, keys -> SchedulerConfig.of(keys, Schedulers.DDIM)),
        TrainingConfig.of(reader.object("training")),
        sampling(reader.object("sampling")),
        reader.optional("data"),
        json);
  }

  private static Optional<LoraConfig> lora(PresetReader preset) {
    if (preset.optional(LORA).isEmpty()) {
      return Optional.empty();
    }
    PresetReader r = preset.object(LORA);
    int rank = r.integer("rank");
    LoraConfig lora =
        new LoraConfig(rank, r.number("alpha", rank), r.texts("targets", LoraConfig.ATTENTION));
    r.end();
    return Optional.of(lora);
  }

  private static AssetTokens assetTokens(PresetReader r, ImageEncoderConfig encoder) {
    AssetTokens tokens =
        new AssetTokens(
            r.integer("roi_size"),
            r.integer("appearance_dim"),
            r.integer("pose_dim"),
            r.integer("pose_hidden"),
            r.integer("background_hidden"),
            new PoseFeatures(
                r.number("depth_scale"),
                r.flag("derived_box"),
                r.integer("pose_octaves"),
                r.integer("corners", PoseFeatures.FRAME)),
            r.number("initial_gain", 0),
            r.integer("image_size", encoder.imageSize()),
            r.numbers("image_mean", encoder.imageMean()),
            r.numbers("image_std", encoder.imageStd()),
            r.choice("content", AssetTokens.Content.class, AssetTokens.Content.APPEARANCE),
            r.flag("source_pose", false),
            new SurfaceFeatures(r.integer("surface_rays", 0)),
            r.choice("background", AssetTokens.Background.class, AssetTokens.Background.FULL),
            r.flag("encoder_positions", true));
    r.end();
    return tokens;
  }

  private static Sampling sampling(PresetReader r) {
    Sampling sampling = new Sampling(r.integer("num_inference_steps"), r.number("guidance_scale"));
    r.end();
    return sampling;
  }

  /** Whether the UNet sees the source frame. */
  public boolean seesSource() {
    return unetInput == UnetInput.SOURCE;
  }

  /** s, the side of samples. */
  public int sampleSize() {
    return unet.sampleSize();
  }

  /** c, the channels of samples. */
  public int sampleChannels() {
    return unet.outChannels();
  }

  /** Which parameters are trained, and at which rates. */
  public Trainable trainable() {
    return Trainable.of(
        imageEncoder.modelType(),
        training,
        lora.isPresent(),
        assetTokens.encoderPositions()
            ? Set.of()
            : encoderPositions().map(name -> Set.of(name)).orElse(Set.of()));
  }

  /** The full name of the parameter with the image encoder's position embeddings. */
  Optional<String> encoderPositions() {
    return imageEncoder.positions().map(name -> imageEncoder.modelType() + "." + name);
  }

  /** This preset for the model whose adapters were merged into the UNet's weights. */
  public Preset merged() {
    if (lora.isEmpty()) {
      return this;
    }
    ObjectNode root = PresetFile.of(name, json).root().deepCopy();
    root.remove(LORA);
    root.withObject("training").remove("trainable"); // it may name adapters
    return of(name, root.toPrettyString());
  }
}
