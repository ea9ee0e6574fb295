package nacre.neuralassets.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.vision.LpipsFiles;
import nacre.nn.vision.LpipsNet;
import nacre.weights.ConfigRange;

/**
 * A preset that trains an autoencoder, a latent space for pictures of one's own: a JSON file with
 * the keys {@code model}, which is {@code autoencoder}, {@code image_size}, {@code vae}, {@code
 * losses}, {@code training} and {@code data}.
 *
 * @param name its name in messages
 * @param imageSize S, side of the images
 * @param vae of diffusers' keys; its {@code scaling_factor} is measured when the model is written
 * @param losses what is minimized
 * @param training how to train; what only a diffusion has is neutral
 * @param data the data set, which {@code DataConfig} reads
 * @param json the file's own text
 */
public record AutoencoderPreset(
    String name,
    int imageSize,
    VaeConfig vae,
    Losses losses,
    TrainingConfig training,
    Optional<JsonNode> data,
    String json)
    implements TrainingPreset {
  /** The key of what a preset trains, and its value here. */
  static final String MODEL = "model";

  private static final String AUTOENCODER = "autoencoder";

  private static final String LPIPS = "lpips";
  private static final String TRUNK = "trunk";
  private static final String HEADS = "heads";

  /** The keys whose values are places of files. */
  static final List<String> PLACES = List.of("losses.lpips.trunk", "losses.lpips.heads");

  /**
   * Checks the ranges, and that sizes that depend on each other fit.
   *
   * @throws IllegalArgumentException naming the key
   */
  public AutoencoderPreset {
    ConfigRange range = new ConfigRange("");
    range.whole("image_size", imageSize, 2, 8192);
    range.divides("the vae's down-sampling", vae.downsampling(), "image_size", imageSize);
    if (vae.inChannels() != 3 || vae.outChannels() != 3) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "vae.in_channels and vae.out_channels are %d and %d; pictures have 3",
              vae.inChannels(),
              vae.outChannels()));
    }
    losses.lpips.ifPresent(lpips -> requirePixels(lpips.files.net(), imageSize));
    TrainingConfig.requireArray(imageSize, training);
  }

  private static void requirePixels(LpipsNet net, int imageSize) {
    if (imageSize < net.smallest()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "losses.lpips: net %s wants images of at least %d pixels a side; image_size is %d",
              net,
              net.smallest(),
              imageSize));
    }
  }

  /**
   * The weights of the terms of the loss. Errors are those of pixels in [−1, 1].
   *
   * @param absolute of the mean absolute error
   * @param squared of the mean squared error
   * @param gradient of the mean absolute error of the differences between neighboring pixels, which
   *     keeps edges sharp
   * @param kl of the divergence from the standard normal distribution, the mean over the latent's
   *     elements
   * @param lpips the perceptual distance, if there is one
   */
  public record Losses(
      double absolute, double squared, double gradient, double kl, Optional<Perceptual> lpips) {
    /** Without a perceptual distance. */
    public Losses(double absolute, double squared, double gradient, double kl) {
      this(absolute, squared, gradient, kl, Optional.empty());
    }

    /** Checks the ranges. */
    public Losses {
      ConfigRange range = new ConfigRange("losses.");
      range.number("absolute", absolute, 0, 1e6);
      range.number("squared", squared, 0, 1e6);
      range.number("gradient", gradient, 0, 1e6);
      range.number("kl", kl, 0, 1e6);
      if (absolute + squared == 0) {
        throw new IllegalArgumentException(
            "losses.absolute and losses.squared are both 0; one of them says what a good"
                + " reconstruction is");
      }
    }
  }

  /**
   * The mean perceptual distance between frames and what is drawn of them, {@link
   * nacre.nn.vision.Lpips LPIPS}, as a term of the loss.
   *
   * @param weight of the term
   * @param files the network
   */
  public record Perceptual(double weight, LpipsFiles files) {
    /** Checks the range. */
    public Perceptual {
      new ConfigRange("losses.lpips.").number("weight", weight, 0, 1e6);
    }
  }

  /** Whether a preset is of this kind: its {@code model} is {@code autoencoder}. */
  static boolean is(PresetFile file) {
    return file.root().path(MODEL).asText().equals(AUTOENCODER);
  }

  /**
   * A preset in a text.
   *
   * @param name its name in messages
   * @throws IllegalArgumentException in one line, if the text is wrong
   */
  public static AutoencoderPreset of(String name, String json) {
    return of(PresetFile.of(name, json));
  }

  static AutoencoderPreset of(PresetFile file) {
    PresetReader reader = new PresetReader(file.name(), "", file.root());
    try {
      reader.optional(MODEL);
      AutoencoderPreset preset =
          new AutoencoderPreset(
              file.name(),
              reader.integer("image_size"),
              reader.library("vae", PresetKeys.VAE, VaeConfig::of),
              losses(reader.object("losses")),
              TrainingConfig.ofAutoencoder(reader.object("training")),
              reader.optional("data"),
              file.json());
      reader.end();
      return preset;
    } catch (IllegalArgumentException e) {
      throw PresetReader.named(file.name(), e);
    }
  }

  private static Losses losses(PresetReader r) {
    Losses losses =
        new Losses(
            r.number("absolute", 0),
            r.number("squared", 0),
            r.number("gradient", 0),
            r.number("kl", 0),
            r.optional(LPIPS).map(_ -> perceptual(r.object(LPIPS))));
    r.end();
    return losses;
  }

  private static Perceptual perceptual(PresetReader r) {
    LpipsFiles files =
        new LpipsFiles(
            r.choice("net", LpipsNet.class, LpipsNet.VGG),
            Path.of(r.text(TRUNK).orElseThrow(() -> r.missing(TRUNK))),
            r.text(HEADS).map(Path::of));
    Perceptual perceptual = new Perceptual(r.number("weight"), files);
    r.end();
    return perceptual;
  }
}
