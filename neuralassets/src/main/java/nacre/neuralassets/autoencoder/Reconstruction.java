package nacre.neuralassets.autoencoder;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import nacre.neuralassets.evaluation.Similarity;

/**
 * How well an autoencoder reconstructs frames.
 *
 * @param frames their number
 * @param mean the means of the frames' similarities to what is decoded of them
 */
public record Reconstruction(int frames, Similarity mean) {
  /** The number of frames reconstructed at a time. */
  private static final int BATCH = 16;

  /**
   * Evaluates a model.
   *
   * @param model from {@code [n, S, S, 3]} in [−1, 1] to what it decodes of them
   * @param frames at least one
   */
  public static Reconstruction of(UnaryOperator<float[]> model, HeldOutFrames frames) {
    double psnr = 0;
    double ssim = 0;
    int size = frames.size();
    int length = size * size * 3;
    boolean[] everywhere = new boolean[size * size];
    Arrays.fill(everywhere, true);
    for (int at = 0; at < frames.count(); at += BATCH) {
      float[] originals = frames.range(at, Math.min(at + BATCH, frames.count()));
      float[] decoded = model.apply(originals);
      for (int i = 0; i < originals.length; i += length) {
        Similarity one =
            Similarity.of(unit(decoded, i, length), unit(originals, i, length), everywhere, size);
        psnr += one.psnr();
        ssim += one.ssim();
      }
    }
    int count = frames.count();
    return new Reconstruction(count, new Similarity(psnr / count, ssim / count));
  }

  /** A picture in [−1, 1] as numbers in [0, 1]; clamped. */
  private static double[] unit(float[] pictures, int at, int length) {
    double[] picture = new double[length];
    for (int k = 0; k < length; k++) {
      picture[k] = Math.clamp((pictures[at + k] + 1.0) / 2, 0, 1);
    }
    return picture;
  }
}
