package nacre.neuralassets.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import nacre.neuralassets.scene.Scene;
import nacre.tensor.spi.Rendezvous;

/**
 * The clips of a source that a run uses. Of a finite source in memory are those that were used
 * last, as many as there is room for; scenes of which all frames are decoded at once are read at
 * the start, the others when they are drawn. Of an endless one some clips are taken before the
 * first step, then a steady number a step, up to a limit. Which clips a step may draw from depends
 * on the step alone.
 *
 * <p>Clips of an endless source are made between steps, on all cores, rather than concurrently:
 * where every core has its share of a step, a thread that occupies one delays all the others.
 */
public final class ClipPool {
  /** Steps for which clips are made at a time, so that there is work for every core. */
  private static final int AHEAD = 16;

  private final ClipSource source;
  private final DataConfig config;
  private final int size;
  private final ClipCache cache;
  private final BadData bad;

  /** Of an endless source. */
  private Clip[] made = {};

  private Rendezvous ranks = Rendezvous.ALONE;

  /** How many frames the clips have, if all are in memory. */
  private long frames;

  private boolean isStored;

  /** A pool that keeps clips of a finite source in a quarter of the Java heap. */
  public ClipPool(ClipSource source, DataConfig config, int size) throws IOException {
    this(source, config, size, BadData.refused());
  }

  /** The same, where clips that cannot be read may be left out. */
  public ClipPool(ClipSource source, DataConfig config, int size, BadData bad) throws IOException {
    this(source, config, size, Runtime.getRuntime().maxMemory() / 4, bad);
  }

  /**
   * A pool, with the first clips of a finite source and none of an endless one.
   *
   * @param config how many clips of an endless source to take
   * @param size side of the model's images in pixels
   * @param room bytes for the frames of a finite source that are kept
   * @param bad what becomes of clips that cannot be read
   * @throws IOException if a clip cannot be read, has a single frame, or there is none; the message
   *     is one line
   */
  public ClipPool(ClipSource source, DataConfig config, int size, long room, BadData bad)
      throws IOException {
    this.source = source;
    this.bad = bad;
    this.config = config;
    this.size = size;
    cache = new ClipCache(room, this::take);
    if (isEndless()) {
      return;
    }
    if (source.size() < 1) {
      throw new IOException(source.describe() + ": holds no clips");
    }
    int read = 0;
    for (int i = 0; i < source.size() && !isStored && cache.size() == read; i++) {
      try {
        Clip clip = cache.get(i);
        isStored = !clip.isWhole();
        frames += clip.frames();
        read++;
      } catch (IOException e) {
        bad.met(source.name(i), e);
      }
    }
    if (read == 0) {
      throw new IOException(source.describe() + ": none of its clips can be read");
    }
  }

  /**
   * Tells that a clip, or one of its frames, could not be read.
   *
   * @throws UncheckedIOException the reason, unless such clips are left out
   */
  public void met(int index, UncheckedIOException reason) {
    try {
      bad.met(source.name(index), reason.getCause());
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  private Clip take(int index) throws IOException {
    Scene scene = source.scene(index);
    if (scene.frames().size() < 2) {
      throw new IOException(
          source.name(index) + ": has a single frame; training pairs are two frames of one scene");
    }
    return Clip.of(source.name(index), scene, size, Integer.MAX_VALUE);
  }

  /**
   * The number of clips from which a step may draw, at least 1.
   *
   * @param step counted from 0
   */
  public int available(long step) {
    if (!isEndless()) {
      return source.size();
    }
    DataConfig.Stream stream = config.stream();
    double more = stream.clipsPerStep() * step;
    return (int) Math.min(stream.maxClips(), stream.initialClips() + (long) more);
  }

  /**
   * Divides the making of an endless source's clips among ranks, each of which gets those of the
   * others. All of them then {@link #prepare} the same steps in the same order.
   */
  public void divide(Rendezvous among) {
    ranks = among;
  }

  /**
   * Makes the clips that a step may draw from, unless they exist already.
   *
   * @throws UncheckedIOException if one cannot be read
   */
  public void prepare(long step) {
    int ready = made.length;
    if (!isEndless() || ready >= available(step)) {
      return;
    }
    Clip[] more = Arrays.copyOf(made, available(step + AHEAD));
    int[] mine =
        IntStream.range(ready, more.length)
            .filter(i -> i % ranks.ranks() == ranks.rank())
            .toArray();
    Arrays.stream(mine)
        .parallel()
        .forEach(
            i -> {
              try {
                more[i] = take(i);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    if (ranks.ranks() > 1) {
      takeOthers(more, ready, Arrays.stream(mine).mapToObj(i -> more[i]).toList());
    }
    made = more;
  }

  private void takeOthers(Clip[] more, int from, List<Clip> mine) {
    List<Iterator<Clip>> all = new ArrayList<>();
    for (byte[] bytes : ranks.all(ClipBytes.of(mine))) {
      all.add(ClipBytes.read(bytes).iterator());
    }
    for (int i = from; i < more.length; i++) {
      Clip clip = all.get(i % ranks.ranks()).next();
      more[i] = more[i] == null ? clip : more[i];
    }
  }

  /**
   * One of the clips that may be drawn. Several threads may ask at once.
   *
   * @throws UncheckedIOException if it is not in memory and cannot be read
   */
  public Clip clip(int index) {
    if (isEndless()) {
      return made[index];
    }
    try {
      return cache.get(index);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  /** Whether the source has no end, so that clips are made for a step before it. */
  public boolean isEndless() {
    return source.size() == ClipSource.ENDLESS;
  }

  /** The data set in one line, for the start of a run. */
  public String describe() {
    if (isEndless()) {
      return source.describe();
    }
    int clips = source.size();
    if (isStored) {
      return String.format(
          Locale.ROOT,
          "%,d %s of %s; frames are read when drawn",
          clips,
          clips == 1 ? "clip" : "clips",
          source.describe());
    }
    if (cache.size() < clips) {
      return String.format(
          Locale.ROOT,
          "%,d clips of %s; %,d of them are kept in memory (%,d MB), the others are read when"
              + " drawn",
          clips,
          source.describe(),
          cache.size(),
          cache.bytes() >> 20);
    }
    return String.format(
        Locale.ROOT,
        "%,d %s, %,d frames, of %s",
        clips,
        clips == 1 ? "clip" : "clips",
        frames,
        source.describe());
  }
}
