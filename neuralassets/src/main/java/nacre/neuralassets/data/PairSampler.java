package nacre.neuralassets.data;

import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.IntStream;

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

  /** Philox stream of what becomes of source frames. */
  private static final long SOURCE_STREAM = 0x736f75726365L;

  /** Blocks of random words reserved for one pair. */
  private static final int BLOCKS = 64;

  /** Attempts before a pair in which nothing moves is accepted. */
  private static final int ATTEMPTS = 8;

  /** The same where pairs in which all is small are drawn again, too. */
  private static final int ATTEMPTS_AT_LARGE = 32;

  /** Attempts before a data set of which so many clips cannot be read is given up. */
  private static final int BAD = 24;

  private final ClipPool pool;
  private final DataConfig config;
  private final long seed;
  private final int size;
  private final EncodedFrames encoded;

  /**
   * The distribution of timesteps, and the probability of dropped conditioning: p for the tokens,
   * and as much for the source frame that a UNet sees, half of the time both at once, as in 3DIT.
   */
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
   * The pairs of one step. Where clips are not made for it, several threads may ask at once.
   *
   * @param step counted from 0
   * @throws UncheckedIOException in one line, if a clip cannot be read
   */
  public PairBatch batch(long step, int count) {
    return batch(step, count, Share.WHOLE);
  }

  /**
   * A process's share of the pairs of one step. So no two processes read the same pair, and all of
   * them together read those that one would.
   *
   * @param count pairs of all processes
   */
  public PairBatch batch(long step, int count, Share share) {
    pool.prepare(step);
    IntStream numbers = share.of(count);
    List<FramePair> pairs =
        (pool.isEndless() ? numbers : numbers.parallel())
            .mapToObj(i -> draw(step, step * count + i))
            .toList();
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
    int bad = 0;
    int attempts = config.minPairArea() > 0 ? ATTEMPTS_AT_LARGE : ATTEMPTS;
    for (int attempt = 0; attempt < attempts; attempt++) {
      int index = draws.below(pool.available(step));
      try {
        clip = pool.clip(index);
        int longest = clip.frames() - 1;
        int least = Math.min(config.minGap(), longest);
        int gap = least + draws.below(Math.min(config.maxGap(), longest) - least + 1);
        int first = draws.below(clip.frames() - gap);
        boolean forward = draws.next() < 0.5;
        from = forward ? first : first + gap;
        to = forward ? first + gap : first;
        clip.load(from);
        clip.load(to);
        if (FramePair.isLarge(clip, from, to, config) && (gap == 0 || clip.changes(from, to))) {
          break;
        }
      } catch (UncheckedIOException e) {
        pool.met(index, e);
        clip = null;
        attempt--;
        if (++bad == BAD) {
          throw e;
        }
      }
    }
    int[] order = draws.permutation(config.slots());
    int[] slots = FramePair.slots(clip, from, to, order, config);
    boolean isMirrored = draws.next() < config.flipProbability();
    double kind = draws.next();
    double drop = diffusion.dropProbability();
    boolean isDropped = kind < drop;
    boolean isSourceDropped = kind >= drop / 2 && kind < 1.5 * drop;
    double t = Math.pow(draws.next(), 1 / diffusion.timestepPower()) * diffusion.timesteps();
    int timestep = Math.min((int) t, diffusion.timesteps() - 1);
    SourceUse use = source(clip, from, to, number, isSourceDropped);
    return new FramePair(clip, from, to, slots, isMirrored, isDropped, timestep, use);
  }

  /** Draws what becomes of the source frame, with random numbers of its own. */
  private SourceUse source(Clip clip, int from, int to, long number, boolean isDropped) {
    if (config.sourceMasking() == 0 && config.objectJitter() == 0) {
      return SourceUse.of(isDropped);
    }
    Draws draws = new Draws(seed, SOURCE_STREAM, number * BLOCKS);
    boolean isJittered = draws.next() < config.objectJitter();
    boolean isMasked = draws.next() < config.sourceMasking();
    boolean hidesBackground = draws.next() < 0.5;
    boolean[] hidden = new boolean[isMasked ? config.slots() : 0];
    for (int slot = 0; slot < hidden.length; slot++) {
      hidden[slot] = draws.next() < 0.5;
    }
    // Of a camera that stands still the frame itself shows how objects move.
    boolean moves = !clip.camera(from).equals(clip.camera(to));
    return new SourceUse(isDropped, isJittered && moves, hidden, isMasked && hidesBackground);
  }
}
