package nacre.neuralassets.data;

import java.util.ArrayList;
import java.util.List;

/**
 * The sampler of training pairs: clip, source and target frame, slots, dropped conditioning,
 * timestep. Everything is a function of (seed, step, index in the batch).
 *
 * <p>The gap between the two frames is uniform from the smallest to the largest, then the pair's
 * position in the clip, then its direction (Neural Assets, section 3.3). A pair in which nothing
 * differs is drawn again.
 */
public final class PairSampler {
  /** Philox stream of pairs; the noise of the diffusion has others. */
  private static final long STREAM = 0x7061697273L;

  /** Blocks of random words reserved for one pair. */
  private static final int BLOCKS = 64;

  /** Attempts before a pair in which nothing moves is accepted. */
  private static final int ATTEMPTS = 8;

  private final ClipPool pool;
  private final DataConfig config;
  private final long seed;
  private final int size;
  private final EncodedFrames encoded;

  /** The distribution of timesteps, and the probability of dropped conditioning. */
  public record Diffusion(double dropProbability, int timesteps, double timestepPower) {}

  private final Diffusion diffusion;

  /** A sampler of pairs of {@code size} by {@code size} pixels. */
  public PairSampler(ClipPool pool, DataConfig config, Diffusion diffusion, long seed, int size) {
    this(pool, config, diffusion, seed, size, EncodedFrames.NONE);
  }

  /**
   * A sampler of pairs of {@code size} by {@code size} pixels.
   *
   * @param encoded what is known of the frames' encodings
   */
  public PairSampler(
      ClipPool pool,
      DataConfig config,
      Diffusion diffusion,
      long seed,
      int size,
      EncodedFrames encoded) {
    this.pool = pool;
    this.config = config;
    this.diffusion = diffusion;
    this.seed = seed;
    this.size = size;
    this.encoded = encoded;
  }

  /**
   * The pairs of one step.
   *
   * @param step counted from 0
   */
  public PairBatch batch(long step, int count) {
    pool.prepare(step);
    List<FramePair> pairs = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      pairs.add(draw(step, step * count + i));
    }
    return PairBatch.of(pairs, size, config.slots(), encoded);
  }

  /**
   * Draws a pair.
   *
   * @param number of the pair, counted from the beginning of the run
   */
  private FramePair draw(long step, long number) {
    Draws draws = new Draws(seed, STREAM, number * BLOCKS);
    Clip clip = null;
    int from = 0;
    int to = 0;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      clip = pool.clip(draws.below(pool.available(step)));
      int longest = clip.frames() - 1;
      int least = Math.min(config.minGap(), longest);
      int gap = least + draws.below(Math.min(config.maxGap(), longest) - least + 1);
      int first = draws.below(clip.frames() - gap);
      boolean forward = draws.next() < 0.5;
      from = forward ? first : first + gap;
      to = forward ? first + gap : first;
      if (gap == 0 || clip.changes(from, to)) {
        break;
      }
    }
    int[] slots = draws.permutation(config.slots());
    boolean isMirrored = draws.next() < config.flipProbability();
    boolean isDropped = draws.next() < diffusion.dropProbability();
    double t = Math.pow(draws.next(), 1 / diffusion.timestepPower()) * diffusion.timesteps();
    int timestep = Math.min((int) t, diffusion.timesteps() - 1);
    return new FramePair(clip, from, to, slots, isMirrored, isDropped, timestep);
  }
}
