package nacre.neuralassets.autoencoder;

import java.io.UncheckedIOException;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.PairBatch;
import nacre.tensor.Philox;

/**
 * The sampler of single frames: clip and frame, each uniform, and whether it is mirrored.
 * Everything is a function of (seed, step, index in the batch).
 */
public final class FrameSampler {
  /** Philox stream of frames; the noise has others. */
  private static final long STREAM = 0x6672616d65L;

  /** Frames in a row that cannot be read, after which the data set is given up. */
  private static final int BAD = 100;

  private final ClipPool pool;
  private final long seed;
  private final int size;
  private final double flipProbability;

  /**
   * A sampler of frames of {@code size} by {@code size} pixels.
   *
   * @param config how often a frame is mirrored
   */
  public FrameSampler(ClipPool pool, DataConfig config, long seed, int size) {
    this.pool = pool;
    this.seed = seed;
    this.size = size;
    this.flipProbability = config.flipProbability();
  }

  /**
   * The frames of one step, {@code [count, S, S, 3]} in [−1, 1].
   *
   * @param step counted from 0
   */
  public float[] batch(long step, int count) {
    pool.prepare(step);
    float[] images = new float[Math.multiplyExact(count, 3 * size * size)];
    int[] words = new int[4];
    for (int i = 0; i < count; i++) {
      PairBatch.pixels(draw(step, step * count + i, words), images, i);
    }
    return images;
  }

  /**
   * Draws a frame; another one where that cannot be read and is left out.
   *
   * @param number of the frame, counted from the beginning of the run
   * @param words to be overwritten
   */
  private byte[] draw(long step, long number, int[] words) {
    for (int attempt = 0; ; attempt++) {
      Philox.block(seed, STREAM + attempt, number, words);
      int index = below(words[0], pool.available(step));
      try {
        Clip clip = pool.clip(index);
        int frame = below(words[1], clip.frames());
        boolean mirrored = (words[2] & 0xffffffffL) * 0x1p-32 >= 1 - flipProbability;
        return mirrored ? clip.mirrored(frame) : clip.rgb(frame);
      } catch (UncheckedIOException e) {
        pool.met(index, e);
        if (attempt == BAD) {
          throw e;
        }
      }
    }
  }

  private static int below(int word, int bound) {
    return (int) ((word & 0xffffffffL) * bound >>> 32);
  }
}
