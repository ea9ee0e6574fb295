package nacre.neuralassets.data;

import java.util.Arrays;
import java.util.stream.IntStream;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;

/**
 * Clips rendered while training: some before the first step, then a steady number a step.
 *
 * <p>They are rendered between steps, on all processors, rather than beside them: where every core
 * has its part of a step, a thread that takes one away holds up all the others.
 */
public final class StreamedClips implements ClipPool {
  /** Steps for which clips are rendered at a time, so that there is work for every processor. */
  private static final int AHEAD = 16;

  private final DataConfig config;
  private final SceneGenerator generator;
  private final int size;
  private Clip[] clips = {};

  /**
   * A pool of which nothing is rendered yet.
   *
   * @param seed of the scenes
   * @param size of the frames
   */
  public StreamedClips(DataConfig config, long seed, int size) {
    this.config = config;
    this.size = size;
    generator = new SceneGenerator(config.scene(), seed);
  }

  @Override
  public int available(long step) {
    double more = config.clipsPerStep() * step;
    return (int) Math.min(config.maxClips(), config.initialClips() + (long) more);
  }

  @Override
  public void prepare(long step) {
    int ready = clips.length;
    if (ready >= available(step)) {
      return;
    }
    Clip[] more = Arrays.copyOf(clips, available(step + AHEAD));
    IntStream.range(ready, more.length).parallel().forEach(i -> more[i] = render(i));
    clips = more;
  }

  @Override
  public Clip clip(int index) {
    return clips[index];
  }

  private Clip render(int index) {
    var scene =
        SceneRenderer.render(generator.describe(index), size, size, config.samplesPerSide());
    return Clip.of("clip " + index, scene, size, config.slots());
  }

  @Override
  public String describe() {
    return "%,d clips of %d frames with %d to %d objects, rendered while training, at most %,d"
        .formatted(
            available(0),
            config.scene().frames(),
            config.scene().minObjects(),
            config.scene().maxObjects(),
            config.maxClips());
  }
}
