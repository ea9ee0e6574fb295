package nacre.neuralassets.autoencoder;

import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import nacre.neuralassets.evaluation.Similarity;

/**
 * How well an autoencoder reconstructs frames.
 *
 * @param frames their number
 * @param mean the means of the frames' similarities to what is decoded of them
 */
public record Reconstruction(int frames, Similarity mean) {

  /**
   * Evaluates a model, a batch of its training at a time.
   *
   * @param frames at least one
   * @param stop asked before each batch
   * @return empty if stopped meanwhile
   * @throws IOException in one line, if a frame cannot be read, or none
   */
  public static Optional<Reconstruction> of(
      AutoencoderTrainer model, HeldOutFrames frames, BooleanSupplier stop) throws IOException {
    double psnr = 0;
    double ssim = 0;
    int size = frames.size();
    int length = size * size * 3;
    boolean[] everywhere = new boolean[size * size];
    Arrays.fill(everywhere, true);
    int count = 0;
    int batch = model.preset().training().batchSize();
    for (int at = 0; at < frames.count(); at += batch) {
      if (stop.getAsBoolean()) {
        return Optional.empty();
      }
      float[] originals = frames.range(at, Math.min(at + batch, frames.count()));
      float[] decoded = model.reconstruct(originals);
      for (int i = 0; i < originals.length; i += length) {
        Similarity one =
            Similarity.of(unit(decoded, i, length), unit(originals, i, length), everywhere, size);
        psnr += one.psnr();
        ssim += one.ssim();
        count++;
      }
    }
    if (count == 0) {
      throw new IOException("none of the held-out frames can be read");
    }
    return Optional.of(new Reconstruction(count, new Similarity(psnr / count, ssim / count)));
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
