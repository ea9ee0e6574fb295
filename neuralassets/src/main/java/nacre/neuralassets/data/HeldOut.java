package nacre.neuralassets.data;

import java.util.function.IntFunction;
import java.util.stream.IntStream;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Scene;

/** Scenes that no run is trained on, numbered from 0, and pairs of their frames. */
public final class HeldOut {
  /** Held-out scenes have an odd seed, scenes to train on an even one. */
  private static final long SCENES = 1;

  private static final long STREAM = 0x68656c64L;
  private static final int BLOCKS = 16;

  /** Fewest frames between source and target: pairs that differ clearly. */
  private static final int LEAST_GAP = 4;

  private HeldOut() {}

  /** The seed of the scenes of a run. */
  public static long trainingScenes(long seed) {
    return 2 * seed;
  }

  /** What scene {@code number} shows. */
  public static SceneDescription describe(SceneConfig config, long number) {
    return new SceneGenerator(config, SCENES).describe(number);
  }

  /** Scene {@code number}, rendered. */
  public static Scene scene(DataConfig config, long number, int size) {
    return SceneRenderer.render(
        describe(config.scene(), number), size, size, config.samplesPerSide());
  }

  /**
   * Pairs of the scenes 0 to {@code count} − 1, one of each: see {@link #pairs(IntFunction, int,
   * int)}.
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
    return pairs(i -> clips[i], count, config.slots());
  }

  /**
   * One pair of each clip, its frames at least {@value #LEAST_GAP} apart where the clip is that
   * long. Always the same.
   */
  public static PairBatch pairs(IntFunction<Clip> clips, int count, int slots) {
    PairBatch batch = PairBatch.zeros(count, clips.apply(0).size(), slots);
    for (int i = 0; i < count; i++) {
      Clip clip = clips.apply(i);
      Draws draws = new Draws(SCENES, STREAM, (long) i * BLOCKS);
      int longest = clip.frames() - 1;
      int least = Math.min(LEAST_GAP, longest);
      int gap = least + draws.below(longest - least + 1);
      int first = draws.below(clip.frames() - gap);
      boolean forward = draws.next() < 0.5;
      int from = forward ? first : first + gap;
      batch.put(i, clip, from, forward ? first + gap : first, draws.permutation(slots));
    }
    return batch;
  }
}
