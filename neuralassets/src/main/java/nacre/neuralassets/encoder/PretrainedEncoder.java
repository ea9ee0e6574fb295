package nacre.neuralassets.encoder;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import nacre.nn.ImageProcessorConfig;
import nacre.nn.Parameters;
import nacre.nn.VitConfig;
import nacre.nn.VitFolder;
import nacre.weights.WeightsException;

/**
 * An image encoder with trained weights in a folder of transformers or timm, with which a model
 * begins: DINO, ViT, DINOv2, MAE, CLIP.
 *
 * @param folder where it is
 * @param config its sizes
 * @param images what images it was trained on
 */
public record PretrainedEncoder(Path folder, VitConfig config, ImageProcessorConfig images) {
  /** The key of a preset that has the encoder's sizes. */
  public static final String ENCODER = "image_encoder";

  /** The key of a preset that has what images the encoder sees, among other things. */
  public static final String TOKENS = "asset_tokens";

  /** The keys below {@link #TOKENS} that a folder has for its encoder. */
  public static final List<String> IMAGES = List.of("image_size", "image_mean", "image_std");

  /** The key of a preset that names the folder. */
  public static final String FROM = "image_encoder_from";

  /**
   * Reads what a folder says; the weights are not read yet.
   *
   * @throws WeightsException in one line, if the folder does not hold such an encoder
   */
  public static PretrainedEncoder open(Path folder) throws WeightsException {
    VitConfig config = VitFolder.config(folder);
    if (config.numChannels() != 3) {
      throw new WeightsException(
          folder,
          String.format(
              Locale.ROOT, "wants images of %d channels, not of 3", config.numChannels()));
    }
    return new PretrainedEncoder(folder, config, ImageProcessorConfig.read(folder, config));
  }

  /**
   * Writes this encoder into a preset's JSON: {@code image_encoder_from}, {@code image_encoder},
   * and in {@code asset_tokens} the size, mean and standard deviation of its images.
   *
   * @param replace whether what the preset has of the last three is replaced
   */
  public void describe(ObjectNode preset, boolean replace) {
    preset.put(FROM, folder.toAbsolutePath().normalize().toString());
    ObjectNode encoder = preset.putObject(ENCODER);
    encoder.put("model_type", config.family().modelType()).setAll(config.keys());
    if (!(preset.get(TOKENS) instanceof ObjectNode tokens)) {
      return; // whoever reads the preset will say so
    }
    if (replace || !tokens.has("image_size")) {
      tokens.put("image_size", images.imageSize());
    }
    numbers(tokens, "image_mean", images.mean(), replace);
    numbers(tokens, "image_std", images.std(), replace);
  }

  private static void numbers(ObjectNode tokens, String key, List<Double> values, boolean replace) {
    if (replace || !tokens.has(key)) {
      ArrayNode array = tokens.putArray(key);
      values.forEach(array::add);
    }
  }

  /**
   * Writes the weights over those of a model's image encoder.
   *
   * @param sizes of the model's image encoder
   * @param parameters the model's
   * @throws WeightsException in one line, if the weights are missing or do not fit
   */
  public void load(ImageEncoderConfig sizes, Parameters parameters) throws WeightsException {
    if (!sizes.equals(new VitEncoder.Config(config))) {
      throw new WeightsException(
          folder, "is not the preset's image_encoder; leave that out beside " + FROM);
    }
    VitFolder.read(folder, config, parameters.at(sizes.modelType()).relative());
  }
}
