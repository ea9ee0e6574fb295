package nacre.neuralassets.model;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import nacre.nn.AdamW;
import nacre.nn.LoraConfig;
import nacre.nn.NameGlob;
import nacre.weights.OneLine;

/**
 * Which parameters of a model are trained, and at which rates. There are three groups: the UNet at
 * the learning rate, the image encoder and the new layers between the two at multiples of it. An
 * autoencoder is never trained.
 *
 * @param encoderType the model type of the image encoder, which its parameters' names begin with
 * @param encoderFactor times the learning rate; 0 freezes the encoder
 * @param newFactor times the learning rate, for the new layers; 0 freezes them
 * @param adapted whether of the UNet the low-rank adapters are trained instead of its own weights
 * @param still full names of parameters that are never trained
 * @param globs patterns of the names of those that are trained; the encoder's may also be called
 *     {@code image_encoder.…}, whatever its type
 */
public record Trainable(
    String encoderType,
    double encoderFactor,
    double newFactor,
    boolean adapted,
    Set<String> still,
    List<NameGlob> globs) {

  private static final String ENCODER = "image_encoder";

  /** The groups of parameters. */
  public enum Group {
    /** The UNet. */
    UNET,
    /** The encoder of source frames. */
    IMAGE_ENCODER,
    /** The layers that make tokens, which no checkpoint has initialized. */
    NEW_LAYERS,
    /** The autoencoder. */
    VAE
  }

  static Trainable of(
      String encoderType, TrainingConfig training, boolean adapted, Set<String> still) {
    return new Trainable(
        encoderType,
        training.encoderLearningRateFactor(),
        training.tokenLearningRateFactor(),
        adapted,
        still,
        training.trainable().stream().map(NameGlob::new).toList());
  }

  /** The group of a parameter. */
  public Group groupOf(String parameter) {
    if (parameter.startsWith("unet.")) {
      return Group.UNET;
    }
    if (parameter.startsWith("vae.")) {
      return Group.VAE;
    }
    return parameter.startsWith(encoderType + ".") ? Group.IMAGE_ENCODER : Group.NEW_LAYERS;
  }

  /** The factor on the learning rate of a group; 0 if it is not trained. */
  public double rateFactor(Group group) {
    return switch (group) {
      case UNET -> 1;
      case IMAGE_ENCODER -> encoderFactor;
      case NEW_LAYERS -> newFactor;
      case VAE -> 0;
    };
  }

  /** The groups as an optimizer knows them, each with its rate, all with the same decay. */
  public List<AdamW.Group> groups(double weightDecay) {
    return Arrays.stream(Group.values())
        .map(group -> new AdamW.Group(n -> groupOf(n) == group, rateFactor(group), weightDecay))
        .toList();
  }

  /** Whether a parameter is trained. */
  public boolean trains(String parameter) {
    return isTrainable(parameter) && globs.stream().anyMatch(glob -> isOf(glob, parameter));
  }

  private boolean isTrainable(String parameter) {
    Group group = groupOf(parameter);
    boolean frozen = adapted && group == Group.UNET && !LoraConfig.isFactor(parameter);
    return rateFactor(group) > 0 && !frozen && !still.contains(parameter);
  }

  private boolean isOf(NameGlob glob, String parameter) {
    return glob.matches(parameter)
        || groupOf(parameter) == Group.IMAGE_ENCODER
            && glob.matches(ENCODER + parameter.substring(encoderType.length()));
  }

  /**
   * Requires every pattern to be of use.
   *
   * @param parameters the names of a model's parameters
   * @throws IllegalArgumentException naming the first pattern that no trained parameter has
   */
  void requireUsed(Collection<String> parameters) {
    for (NameGlob glob : globs) {
      if (parameters.stream().noneMatch(name -> trains(name) && isOf(glob, name))) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "training.trainable: '%s' is the name of no parameter that can be trained; they"
                    + " begin with %s",
                OneLine.clip(glob.text()),
                OneLine.list(
                    parameters.stream()
                        .filter(this::isTrainable)
                        .map(name -> name.substring(0, name.indexOf('.') + 1))
                        .distinct()
                        .toList())));
      }
    }
  }
}
