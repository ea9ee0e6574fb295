package nacre.neuralassets.model;

import java.util.List;
import nacre.weights.ConfigRange;

/**
 * The sizes of the layers that make asset tokens: "asset_tokens" of a preset.
 *
 * @param roiSize cells along each side of a box; K = roiSize² tokens per object
 * @param appearanceDim width of a token's appearance
 * @param poseDim width of a token's pose
 * @param poseHidden width between the two pose layers
 * @param backgroundHidden width between the two layers of the background's pose
 * @param poseFeatures the input of the pose layers
 * @param initialGain standard deviation, times the root of the fan-in, of the first weights of
 *     these layers; 0 for the default initialization, as in the paper. With that, poses contribute
 *     so little to a token that cross-attention ignores them for thousands of steps
 * @param imageSize side of the images that the encoder is given, in pixels
 * @param imageMean per channel, of images in [0, 1], subtracted before the encoder
 * @param imageStd per channel, divided by after that
 * @param content what the tokens of objects are made of
 * @param sourcePose whether tokens hold the object's pose in the source frame beside that in the
 *     target; those of boxes always do
 * @param surface what tokens hold of the geometry that the source frame shows, beside appearance
 * @param background what the tokens of the background hold
 * @param encoderPositions whether the image encoder has its position embeddings; without them they
 *     are zeros that are not trained, as in the paper's ablation (section 4.4), so that features
 *     say nothing of where in the image they lie
 */
public record AssetTokens(
    int roiSize,
    int appearanceDim,
    int poseDim,
    int poseHidden,
    int backgroundHidden,
    PoseFeatures poseFeatures,
    double initialGain,
    int imageSize,
    List<Double> imageMean,
    List<Double> imageStd,
    Content content,
    boolean sourcePose,
    SurfaceFeatures surface,
    Background background,
    boolean encoderPositions) {

  /** The tokens of objects. */
  public enum Content {
    /** Their appearance, cut out of the encoder's features of the source frame, and their pose. */
    APPEARANCE,
    /**
     * Their boxes alone, in the source and in the target, one token each; there is no image
     * encoder. The multi-object variant of 3DIT that BlenderFusion (Chen et al., 2025) compares
     * with.
     */
    BOXES
  }

  /** The background's tokens. */
  public enum Background {
    /** Appearance and the relative camera, as in the paper. */
    FULL,
    /** Appearance alone; the half that is the pose's is zeros. */
    NO_POSE,
    /** There are none, and the encoder does not see the background. */
    NONE
  }

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming the key
   */
  public AssetTokens {
    ConfigRange range = new ConfigRange("asset_tokens.");
    range.whole("roi_size", roiSize, 1, 64);
    range.whole("appearance_dim", appearanceDim, 1, 1 << 16);
    range.whole("pose_dim", poseDim, 1, 1 << 16);
    range.whole("pose_hidden", poseHidden, 1, 1 << 16);
    range.whole("background_hidden", backgroundHidden, 1, 1 << 16);
    range.number("initial_gain", initialGain, 0, 1000);
    range.whole("image_size", imageSize, 1, 8192);
    if (sourcePose && content == Content.BOXES) {
      throw new IllegalArgumentException(
          "asset_tokens.source_pose: leave it out, tokens of boxes hold that pose anyway");
    }
    if (surface.rays() > 0 && content == Content.BOXES) {
      throw new IllegalArgumentException(
          "asset_tokens.surface_rays: leave it out, it goes with appearance, which tokens of boxes"
              + " do not have");
    }
    imageMean = List.copyOf(imageMean);
    imageStd = List.copyOf(imageStd);
    imageMean.forEach(mean -> range.number("image_mean", mean, -1000, 1000));
    imageStd.forEach(std -> range.number("image_std", std, 1e-4, 1e4));
  }

  /** Whether the background has tokens, after those of the slots. */
  public boolean hasBackground() {
    return background != Background.NONE;
  }

  /** The tokens of an image with so many slots. */
  public int tokens(int slots) {
    return tokensPerObject() * (hasBackground() ? slots + 1 : slots);
  }

  /** The number of slots of an image with so many tokens. */
  public int slots(int tokens) {
    int objects = tokens / tokensPerObject();
    return hasBackground() ? objects - 1 : objects;
  }

  /** Tokens per object, K. */
  public int tokensPerObject() {
    return content == Content.BOXES ? 1 : roiSize * roiSize;
  }

  /** Whether there is an image encoder. */
  public boolean hasEncoder() {
    return content == Content.APPEARANCE;
  }

  /** Whether tokens are made of the objects' poses in the source frame, too. */
  public boolean hasSourcePoses() {
    return sourcePose || content == Content.BOXES;
  }

  /** Whether anything of the tokens is made of the objects' poses in the source frame. */
  public boolean asksForSourcePoses() {
    return hasSourcePoses() || surface.rays() > 0;
  }

  /** Numbers of an object that go into the pose layers. */
  int poseWidth() {
    return poseFeatures.width() * (hasSourcePoses() ? 2 : 1);
  }

  /** The factor from pixels in [−1, 1] to normalized ones. */
  float pixelScale(int channel) {
    return (float) (0.5 / imageStd.get(channel));
  }

  /** Gray, 0 in [−1, 1], as the encoder sees it. */
  float pixelShift(int channel) {
    return (float) ((0.5 - imageMean.get(channel)) / imageStd.get(channel));
  }
}
