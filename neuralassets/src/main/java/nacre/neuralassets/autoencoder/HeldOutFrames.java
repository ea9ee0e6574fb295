package nacre.neuralassets.autoencoder;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import nacre.neuralassets.data.BadData;
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
  private final Source source;
  private final int count;
  private final int size;

  /** Where frames come from. */
  private interface Source {
    /** Frames {@code from} to before {@code to}, as packed bytes. */
    List<byte[]> range(int from, int to) throws IOException;
  }

  private HeldOutFrames(Source source, int count, int size) {
    this.source = source;
    this.count = count;
    this.size = size;
  }

  /** Frames of the held-out scenes 0 to {@code count} − 1. */
  public static HeldOutFrames rendered(DataConfig config, int count, int size) {
    return new HeldOutFrames(
        (from, to) ->
            IntStream.range(from, to).parallel().mapToObj(i -> scene(config, i, size)).toList(),
        count,
        size);
  }

  private static byte[] scene(DataConfig config, int number, int size) {
    return frame(
        Clip.of("held-out " + number, HeldOut.scene(config, number, size), size, config.slots()),
        number);
  }

  private static byte[] frame(Clip clip, int number) {
    return clip.rgb(number % clip.frames());
  }

  /**
   * Frames of the first clips, of at most {@code most}.
   *
   * @param bad what becomes of clips that cannot be read
   */
  public static HeldOutFrames of(
      SomeClips clips, DataConfig config, int most, int size, BadData bad) {
    return new HeldOutFrames(
        (from, to) -> {
          List<byte[]> frames = new ArrayList<>();
          for (int i = from; i < to; i++) {
            try {
              frames.add(frame(Clip.of(clips.name(i), clips.scene(i), size, config.slots()), i));
            } catch (IOException e) {
              bad.met(clips.name(i), e);
            } catch (UncheckedIOException e) {
              bad.met(clips.name(i), e.getCause());
            }
          }
          return frames;
        },
        Math.min(most, clips.size()),
        size);
  }

  /** The number of frames, those included that cannot be read and are left out. */
  public int count() {
    return count;
  }

  /** S, the side of the frames in pixels. */
  public int size() {
    return size;
  }

  /**
   * The frames from {@code from} to before {@code to}, which are no more than {@link #count};
   * without those that cannot be read, if they are left out.
   *
   * @return {@code [n, S, S, 3]} in [−1, 1]
   * @throws IOException in one line, if a clip cannot be read
   */
  public float[] range(int from, int to) throws IOException {
    List<byte[]> frames = source.range(from, to);
    float[] pixels = new float[Math.multiplyExact(frames.size(), 3 * size * size)];
    for (int i = 0; i < frames.size(); i++) {
      PairBatch.pixels(frames.get(i), pixels, i);
    }
    return pixels;
  }
}
