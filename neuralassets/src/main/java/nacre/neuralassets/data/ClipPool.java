package nacre.neuralassets.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;
import nacre.neuralassets.scene.Scene;

/**
 * The clips of a source that a run uses. Of a finite source as many are read at the start and kept
 * in memory as there is room for, and the others are read whenever they are drawn. Of an endless
 * one some clips are taken before the first step, then a steady number a step, up to a limit. Which
 * clips a step may draw from depends on the step alone. Used by one thread.
 *
 * <p>Clips are made between steps, on all cores, rather than concurrently: where every core has its
 * share of a step, a thread that occupies one delays all the others.
 */
public final class ClipPool {
  /** Steps for which clips are made at a time, so that there is work for every core. */
  private static final int AHEAD = 16;

  private final ClipSource source;
  private final DataConfig config;
  private final int size;
  private Clip[] clips = {};

  /** Clips of a finite source that are in memory, and the bytes that they take. */
  private int kept;

  private long bytes;

  /** A pool that keeps clips of a finite source in a quarter of the Java heap. */
  public ClipPool(ClipSource source, DataConfig config, int size) throws IOException {
    this(source, config, size, Runtime.getRuntime().maxMemory() / 4);
  }

  /**
   * A pool, with the first clips of a finite source and none of an endless one.
   *
   * @param config how many clips of an endless source to take, and how many slots the model has
   * @param size side of the model's images in pixels
   * @param room bytes for the frames of a finite source that are kept
   * @throws IOException if a clip cannot be read, has a single frame, or there is none; the message
   *     is one line
   */
  public ClipPool(ClipSource source, DataConfig config, int size, long room) throws IOException {
    this.source = source;
    this.config = config;
    this.size = size;
    if (isEndless()) {
      return;
    }
    if (source.size() < 1) {
      throw new IOException(source.describe() + ": holds no clips");
    }
    clips = new Clip[source.size()];
    while (kept < clips.length) {
      Clip clip = take(kept);
      if (bytes + clip.bytes() > room) {
        break;
      }
      bytes += clip.bytes();
      clips[kept++] = clip;
    }
  }

  private boolean isEndless() {
    return source.size() == ClipSource.ENDLESS;
  }

  private Clip take(int index) throws IOException {
    Scene scene = source.scene(index);
    if (scene.frames().size() < 2) {
      throw new IOException(
          source.name(index) + ": has a single frame; training pairs are two frames of one scene");
    }
    return Clip.of(source.name(index), scene, size, config.slots());
  }

  /**
   * The number of clips from which a step may draw, at least 1.
   *
   * @param step counted from 0
   */
  public int available(long step) {
    if (!isEndless()) {
      return clips.length;
    }
    double more = config.clipsPerStep() * step;
    return (int) Math.min(config.maxClips(), config.initialClips() + (long) more);
  }

  /**
   * Makes the clips that a step may draw from, unless they exist already.
   *
   * @throws UncheckedIOException if one cannot be read
   */
  public void prepare(long step) {
    int ready = clips.length;
    if (ready >= available(step)) {
      return;
    }
    Clip[] more = Arrays.copyOf(clips, available(step + AHEAD));
    IntStream.range(ready, more.length)
        .parallel()
        .forEach(
            i -> {
              try {
                more[i] = take(i);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    clips = more;
  }

  /**
   * One of the prepared clips.
   *
   * @throws UncheckedIOException if it is not in memory and cannot be read
   */
  public Clip clip(int index) {
    if (clips[index] != null) {
      return clips[index];
    }
    try {
      return take(index);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The data set in one line, for the start of a run. */
  public String describe() {
    if (isEndless()) {
      return source.describe();
    }
    if (kept < clips.length) {
      return String.format(
          Locale.ROOT,
          "%,d clips of %s; %,d of them are kept in memory (%,d MB), the others are read when"
              + " drawn",
          clips.length,
          source.describe(),
          kept,
          bytes >> 20);
    }
    int frames = Arrays.stream(clips).mapToInt(Clip::frames).sum();
    return String.format(
        Locale.ROOT,
        "%,d %s, %,d frames, of %s",
        clips.length,
        clips.length == 1 ? "clip" : "clips",
        frames,
        source.describe());
  }
}
