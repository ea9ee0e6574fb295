package nacre.neuralassets.autoencoder;

import java.io.IOException;
import java.util.Arrays;
import java.util.stream.IntStream;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.SomeClips;

/**
 * Frames on which no run is trained, one of each clip: of clip i frame i, modulo the clip's length.
 *
 * @param pixels {@code [n, S, S, 3]} in [−1, 1]
 * @param size S
 */
public record HeldOutFrames(float[] pixels, int size) {

  private interface Clips {
    Clip clip(int index) throws IOException;
  }

  /** Frames of the held-out scenes 0 to {@code count} − 1. */
  public static HeldOutFrames rendered(DataConfig config, int count, int size) {
    Clip[] clips = new Clip[count];
    IntStream.range(0, count)
        .parallel()
        .forEach(
            i ->
                clips[i] =
                    Clip.of("held-out " + i, HeldOut.scene(config, i, size), size, config.slots()));
    try {
      return of(i -> clips[i], count, size);
    } catch (IOException e) {
      throw new IllegalStateException("rendered scenes are not read", e);
    }
  }

  /**
   * Frames of at most {@code most} clips.
   *
   * @throws IOException in one line, if a clip cannot be read
   */
  public static HeldOutFrames of(SomeClips clips, DataConfig config, int most, int size)
      throws IOException {
    return of(
        i -> Clip.of(clips.name(i), clips.scene(i), size, config.slots()),
        Math.min(most, clips.size()),
        size);
  }

  private static HeldOutFrames of(Clips clips, int count, int size) throws IOException {
    float[] pixels = new float[count * size * size * 3];
    for (int i = 0; i < count; i++) {
      Clip clip = clips.clip(i);
      PairBatch.pixels(clip.rgb(i % clip.frames()), pixels, i);
    }
    return new HeldOutFrames(pixels, size);
  }

  /** n, the number of frames. */
  public int count() {
    return pixels.length / length();
  }

  /** The first frames; fewer if there are not so many. */
  public HeldOutFrames first(int most) {
    return new HeldOutFrames(range(0, Math.min(most, count())), size);
  }

  /** The frames from {@code from} to before {@code to}. */
  float[] range(int from, int to) {
    return Arrays.copyOfRange(pixels, from * length(), to * length());
  }

  private int length() {
    return size * size * 3;
  }
}
