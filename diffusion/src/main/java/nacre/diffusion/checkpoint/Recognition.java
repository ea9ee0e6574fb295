package nacre.diffusion.checkpoint;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import nacre.diffusion.schedule.PredictionType;
import nacre.tensor.Shape;
import nacre.weights.OneLine;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * The published model that a single file without configs is recognized as: by its metadata, which
 * must not contradict its tensors, then by what other tools write into such files, then by its
 * name.
 *
 * @param family whose configs it has
 * @param prediction what its UNet predicts, if that is not the family's
 * @param zeroSnr whether its noise schedule ends in pure noise
 * @see <a href="https://github.com/Stability-AI/ModelSpec">the keys of the metadata</a>
 */
record Recognition(Family family, Optional<PredictionType> prediction, boolean zeroSnr) {
  private static final String ARCHITECTURE = "modelspec.architecture";
  private static final String PREDICTION = "modelspec.prediction_type";
  private static final String RESOLUTION = "modelspec.resolution";

  /** ComfyUI's name for the prediction. */
  private static final String PREDICT_KEY = "modelspec.predict_key";

  private static final Map<String, Family> ARCHITECTURES =
      Map.of(
          "stable-diffusion-v1", Family.SD_1_5,
          "stable-diffusion-v1-inpainting", Family.SD_1_5_INPAINTING,
          "stable-diffusion-v2-512", Family.SD_2_1_BASE,
          "stable-diffusion-v2-768-v", Family.SD_2_1,
          "stable-diffusion-v2-inpainting", Family.SD_2_INPAINTING);

  private static final String CONTEXT =
      OriginalNames.UNET + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";

  private static final int WIDTH_OF_1 = 768;
  private static final int WIDTH_OF_2 = 1024;
  private static final int INPAINTING_CHANNELS = 9;

  /** The side of a picture, as a number of its own. */
  private static final Pattern SMALL = Pattern.compile("(?<!\\d)512(?!\\d)");

  private static final Pattern LARGE = Pattern.compile("(?<!\\d)768(?!\\d)");

  /**
   * Recognizes a file.
   *
   * @throws WeightsException if it is no known model, if its metadata contradicts its tensors, or
   *     if nothing tells which of several models it is
   */
  static Recognition of(Path path, StateDict file) throws WeightsException {
    Map<String, String> metadata = file.metadata();
    boolean velocity = file.entries().containsKey(StrangeNames.VELOCITY);
    boolean zeroSnr = file.entries().containsKey(StrangeNames.ZERO_SNR);
    Optional<PredictionType> prediction =
        velocity ? Optional.of(PredictionType.V_PREDICTION) : predictionOf(path, metadata);
    return new Recognition(family(path, file, metadata, prediction), prediction, zeroSnr);
  }

  private static Family family(
      Path path, StateDict file, Map<String, String> metadata, Optional<PredictionType> prediction)
      throws WeightsException {
    Shape in = file.entries().get(SingleFile.MARK).shape();
    int channels = in.rank() == 4 ? in.dim(1) : 0;
    Optional<String> other = OtherModels.withInput(channels);
    if (other.isPresent()) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "is %s: its UNet takes %d channels; supported are models that take a prompt (4"
                  + " channels) and those for inpainting (9)",
              other.get(),
              channels));
    }
    int width = contextWidth(file);
    boolean known =
        in.equals(Shape.of(320, 4, 3, 3)) || in.equals(Shape.of(320, INPAINTING_CHANNELS, 3, 3));
    if (!known || width != WIDTH_OF_1 && width != WIDTH_OF_2) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "is no model that is known: its first convolution is %s and its context %d wide;"
                  + " known are [320, 4, 3, 3] with 768 (Stable Diffusion 1.x) or 1024 (2.x)",
              in,
              width));
    }
    String architecture = metadata.getOrDefault(ARCHITECTURE, "").toLowerCase(Locale.ROOT);
    Family named = ARCHITECTURES.get(architecture);
    if (named != null && (named.isVersion2() ? WIDTH_OF_2 : WIDTH_OF_1) != width) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "its metadata says %s = %s, but its context is %d wide, as of Stable Diffusion %s;"
                  + " say what it is with --family",
              ARCHITECTURE,
              architecture,
              width,
              width == WIDTH_OF_1 ? "1.x" : "2.x"));
    }
    if (channels == INPAINTING_CHANNELS) {
      return width == WIDTH_OF_1 ? Family.SD_1_5_INPAINTING : Family.SD_2_INPAINTING;
    }
    if (width == WIDTH_OF_1) {
      return Family.SD_1_5;
    }
    return named != null ? named : version2(path, metadata, prediction);
  }

  private static int contextWidth(StateDict file) {
    SafeTensors.Entry key = file.entries().get(CONTEXT);
    return key == null || key.shape().rank() != 2 ? 0 : key.shape().dim(1);
  }

  private static Family version2(
      Path path, Map<String, String> metadata, Optional<PredictionType> prediction)
      throws WeightsException {
    Optional<Family> bySize = bySize(metadata.getOrDefault(RESOLUTION, ""));
    if (bySize.isPresent()) {
      return bySize.get();
    }
    if (prediction.isPresent()) {
      return prediction.get() == PredictionType.EPSILON ? Family.SD_2_1_BASE : Family.SD_2_1;
    }
    return bySize(path.getFileName().toString())
        .orElseThrow(
            () ->
                new WeightsException(
                    path,
                    "is Stable Diffusion 2.x, and neither its metadata, its tensors nor its name"
                        + " tell which: say it with --family "
                        + Family.SD_2_1_BASE
                        + " (512 pixels, predicts noise) or --family "
                        + Family.SD_2_1
                        + " (768 pixels, predicts velocity)"));
  }

  private static Optional<Family> bySize(String text) {
    boolean small = SMALL.matcher(text).find();
    boolean large = LARGE.matcher(text).find();
    return small == large
        ? Optional.empty()
        : Optional.of(small ? Family.SD_2_1_BASE : Family.SD_2_1);
  }

  private static Optional<PredictionType> predictionOf(Path path, Map<String, String> metadata)
      throws WeightsException {
    for (String key : new String[] {PREDICTION, PREDICT_KEY}) {
      String value = metadata.get(key);
      if (value != null && !value.isBlank()) {
        return Optional.of(
            switch (value.strip().toLowerCase(Locale.ROOT)) {
              case "epsilon", "eps" -> PredictionType.EPSILON;
              case "v", "v_prediction", "velocity" -> PredictionType.V_PREDICTION;
              case "sample", "x0" -> PredictionType.SAMPLE;
              default ->
                  throw new WeightsException(
                      path,
                      String.format(
                          Locale.ROOT,
                          "its metadata says %s = %s, which is not known; known are epsilon and v;"
                              + " say what it predicts with --prediction",
                          key,
                          OneLine.clip(value)));
            });
      }
    }
    return Optional.empty();
  }
}
