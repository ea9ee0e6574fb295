package nacre.neuralassets.autoencoder;

import java.io.IOException;
import java.util.stream.IntStream;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.SomeClips;

/**
 * Frames on which no run is trained, one of each clip: of clip i frame i, modulo the clip's length.
 * They are read when they are asked for, so that there may be any number of them.
 */
public final class HeldOutFrames {
  private final Clips clips;
  private final int count;
  private final int size;

  /** Where clips come from. */
  private interface Clips {
    /** Clips {@code from} to before {@code to}. */
    Clip[] range(int from, int to) throws IOException;
  }

  private HeldOutFrames(Clips clips, int count, int size) {
    this.clips = clips;
    this.count = count;
    this.size = size;
  }

  /** Frames of the held-out scenes 0 to {@code count} − 1. */
  public static HeldOutFrames rendered(DataConfig config, int count, int size) {
    return new HeldOutFrames(
        (from, to) ->
            IntStream.range(from, to)
                .parallel()
                .mapToObj(
                    i ->
                        Clip.of(
                            "held-out " + i, HeldOut.scene(config, i, size), size, config.slots()))
                .toArray(Clip[]::new),
        count,
        size);
  }

  /** Frames of the first clips, of at most {@code most}. */
  public static HeldOutFrames of(SomeClips clips, DataConfig config, int most, int size) {
    return new HeldOutFrames(
        (from, to) -> {
          Clip[] some = new Clip[to - from];
          for (int i = from; i < to; i++) {
            some[i - from] = Clip.of(clips.name(i), clips.scene(i), size, config.slots());
          }
          return some;
        },
        Math.min(most, clips.size()),
        size);
  }

  /** n, the number of frames. */
  public int count() {
    return count;
  }

  /** S, the side of the frames in pixels. */
  public int size() {
    return size;
  }

  /**
   * The frames from {@code from} to before {@code to}, which are no more than {@link #count}.
   *
   * @return {@code [to − from, S, S, 3]} in [−1, 1]
   * @throws IOException in one line, if a clip cannot be read
   */
  public float[] range(int from, int to) throws IOException {
    float[] pixels = new float[Math.multiplyExact(to - from, 3 * size * size)];
    Clip[] some = clips.range(from, to);
    for (int i = from; i < to; i++) {
      Clip clip = some[i - from];
      PairBatch.pixels(clip.rgb(i % clip.frames()), pixels, i - from);
    }
    return pixels;
  }
}
