package nacre.neuralassets.data;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Scene;

/** The held-out scenes, on which no run is trained, numbered from 0, and pairs of their frames. */
public final class HeldOut {
  /** Held-out scenes have an odd seed, training scenes an even one. */
  private static final long SCENES = 1;

  private static final long STREAM = 0x68656c64L;
  private static final int BLOCKS = 16;

  /** The least number of frames between source and target, so that they differ clearly. */
  private static final int LEAST_GAP = 4;

  private HeldOut() {}

  /** The seed of the scenes that a run trains on. */
  public static long trainingScenes(long seed) {
    return 2 * seed;
  }

  /** The description of scene {@code number}. */
  public static SceneDescription describe(SceneConfig config, long number) {
    return new SceneGenerator(config, SCENES).describe(number);
  }

  /** Scene {@code number}, rendered. */
  public static Scene scene(DataConfig config, long number, int size) {
    return SceneRenderer.render(
        describe(config.scene(), number), size, size, config.rendered().samplesPerSide());
  }

  /**
   * One pair of each of the scenes 0 to {@code count} − 1: see {@link #pairs(IntFunction, int,
   * DataConfig)}.
   */
  public static PairBatch pairs(DataConfig config, int count, int size) {
    Clip[] clips = new Clip[count];
    IntStream.range(0, count)
        .parallel()
        .forEach(
            i -> {
              Scene scene = scene(config, i, size);
              clips[i] = Clip.of("held-out " + i, scene, size, config.slots());
            });
    return pairs(i -> clips[i], count, config);
  }

  /**
   * One pair of each clip, its frames at least {@value #LEAST_GAP} apart where the clip is that
   * long. Always the same.
   */
  public static PairBatch pairs(IntFunction<Clip> clips, int count, DataConfig config) {
    List<FramePair> pairs = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      pairs.add(pair(clips.apply(i), i, config));
    }
    return batch(pairs, config);
  }

  /**
   * The same of the first clips of a pool; of those that cannot be read there is none, if such
   * clips are left out.
   *
   * @throws UncheckedIOException in one line, if a clip cannot be read, or none can
   */
  public static PairBatch pairs(ClipPool pool, int count, DataConfig config) {
    List<FramePair> pairs = new ArrayList<>(count);
    UncheckedIOException last = null;
    for (int i = 0; i < count; i++) {
      try {
        FramePair pair = pair(pool.clip(i), i, config);
        pair.clip().load(pair.source());
        pair.clip().load(pair.target());
        pairs.add(pair);
      } catch (UncheckedIOException e) {
        pool.met(i, e);
        last = e;
      }
    }
    if (pairs.isEmpty() && last != null) {
      throw last;
    }
    return batch(pairs, config);
  }

  private static PairBatch batch(List<FramePair> pairs, DataConfig config) {
    return PairBatch.of(pairs, pairs.getFirst().clip().size(), config.slots());
  }

  /**
   * The pair of a clip, as {@link #pairs(IntFunction, int, DataConfig)} has it.
   *
   * @param number of the clip
   */
  public static FramePair pair(Clip clip, int number, DataConfig config) {
    Draws draws = new Draws(SCENES, STREAM, (long) number * BLOCKS);
    int longest = clip.frames() - 1;
    int least = Math.min(LEAST_GAP, longest);
    int gap = least + draws.below(longest - least + 1);
    int first = draws.below(clip.frames() - gap);
    boolean forward = draws.next() < 0.5;
    int from = forward ? first : first + gap;
    int to = forward ? first + gap : first;
    int[] order = draws.permutation(config.slots());
    return FramePair.of(clip, from, to, FramePair.slots(clip, from, to, order, config));
  }
}
