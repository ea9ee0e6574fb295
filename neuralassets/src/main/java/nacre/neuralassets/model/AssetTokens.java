package nacre.neuralassets.model;

import java.util.List;

/**
 * The numbers of the part of the model that is Neural Assets' own.
 *
 * @param roiSize cells along each side of a box; K = roiSize² tokens per object
 * @param appearanceDim numbers of a token that tell the looks
 * @param poseDim numbers that tell the place
 * @param poseHidden width between the two pose layers
 * @param backgroundHidden width between the two layers of the background's pose
 * @param poseFeatures what the pose layers see
 * @param initialGain standard deviation, times the root of the fan-in, of the first weights of
 *     these layers; 0 for the library's usual ones, as in the paper. With those the poses' share of
 *     a token is so faint that cross-attention overlooks it for thousands of steps
 * @param imageMean per channel, of images in [0, 1], subtracted before the encoder
 * @param imageStd per channel, divided by after that
 */
public record AssetTokens(
    int roiSize,
    int appearanceDim,
    int poseDim,
    int poseHidden,
    int backgroundHidden,
    PoseFeatures poseFeatures,
    double initialGain,
    List<Double> imageMean,
    List<Double> imageStd) {

  /** Tokens per object, K. */
  public int tokensPerObject() {
    return roiSize * roiSize;
  }

  /** Factor from pixels in [−1, 1] to what the encoder sees. */
  float pixelScale(int channel) {
    return (float) (0.5 / imageStd.get(channel));
  }

  /** What the encoder sees of gray, 0 of [−1, 1]. */
  float pixelShift(int channel) {
    return (float) ((0.5 - imageMean.get(channel)) / imageStd.get(channel));
  }
}
