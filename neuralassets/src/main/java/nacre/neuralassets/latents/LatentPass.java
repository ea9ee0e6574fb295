package nacre.neuralassets.latents;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import nacre.neuralassets.data.BadData;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.Share;
import nacre.neuralassets.model.NeuralAssets;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.Sha256;

/**
 * The pass over a finite data set that encodes every frame which a {@link LatentCache} lacks;
 * mirrored ones as well where pairs are mirrored, since an autoencoder does not commute with
 * mirrors. It may be stopped, or killed, and goes on where it was.
 */
public final class LatentPass {
  /** Bytes of moments in memory after which a file is written. */
  private static final long SHARD = 32L << 20;

  /** The most time that a killed process loses. */
  private static final Duration UNWRITTEN = Duration.ofMinutes(1);

  /** The parts into which the progress of a clip is divided. */
  private static final int PARTS = 1000;

  private final LatentCache cache;
  private final ClipSource source;
  private final DataConfig config;
  private final NeuralAssets model;
  private final BadData bad;
  private final Map<String, byte[]> waiting = new LinkedHashMap<>(); // to be a batch, by key
  private long written = System.nanoTime();
  private long encoded;
  private long looked;

  /** Told how far a pass is. */
  @FunctionalInterface
  public interface Listener {
    /**
     * Called after each frame.
     *
     * @param done of the total, in any unit
     */
    void at(long done, long total);
  }

  /**
   * A pass.
   *
   * @param source a finite data set
   * @param model whose autoencoder encodes
   */
  public LatentPass(LatentCache cache, ClipSource source, DataConfig config, NeuralAssets model) {
    this(cache, source, config, model, BadData.refused());
  }

  /**
   * A pass.
   *
   * @param bad what becomes of clips that cannot be read; the others as for {@link
   *     #LatentPass(LatentCache, ClipSource, DataConfig, NeuralAssets)}
   */
  public LatentPass(
      LatentCache cache, ClipSource source, DataConfig config, NeuralAssets model, BadData bad) {
    if (source.size() == ClipSource.ENDLESS) {
      throw new IllegalArgumentException(source.describe() + ": has no end, and no cache");
    }
    this.cache = cache;
    this.source = source;
    this.config = config;
    this.model = model;
    this.bad = bad;
  }

  /**
   * Encodes what is missing.
   *
   * @param stop asked before each frame
   * @param listener told how far it is
   * @return whether all frames are there; false if it was stopped
   * @throws IOException in one line, if a clip cannot be read or a file not written; what was
   *     encoded before is kept
   */
  public boolean run(BooleanSupplier stop, Listener listener) throws IOException {
    if (isComplete()) {
      return true;
    }
    boolean done = encode(stop, listener, Share.WHOLE);
    if (done) {
      complete();
    }
    return done;
  }

  /** Whether an earlier pass has found or encoded all. */
  public boolean isComplete() {
    return cache.isComplete(dataSet());
  }

  /**
   * Encodes what is missing of a process's share of the clips, where several share the folder.
   * {@link #complete} says that all have done so.
   *
   * @return whether all frames of the share are there; false if it was stopped
   * @throws IOException as {@link #run}
   */
  public boolean encode(BooleanSupplier stop, Listener listener, Share share) throws IOException {
    int first = share.from(source.size());
    int clips = share.to(source.size()) - first;
    int size = model.preset().imageSize();
    listener.at(0, 1);
    try (Scope _ = Scope.open();
        FrameEncoder encoder = new FrameEncoder(model)) {
      for (int i = 0; i < clips; i++) {
        List<byte[]> frames = frames(first + i, size);
        for (int k = 0; k < frames.size(); k++) {
          if (stop.getAsBoolean()) {
            encodeWaiting(encoder);
            return false;
          }
          frame(frames.get(k), encoder);
          long parts = (long) i * PARTS + (long) (k + 1) * PARTS / frames.size();
          listener.at(parts, (long) clips * PARTS);
        }
      }
      encodeWaiting(encoder);
    } finally {
      cache.flush();
    }
    return true;
  }

  /** Takes down that all frames are there, so that the next pass looks for none. */
  public void complete() throws IOException {
    cache.complete(
        dataSet(), String.format(Locale.ROOT, "%s, %d clips", source.describe(), source.size()));
  }

  /** The frames of a clip; those that can be read, where others are left out. */
  private List<byte[]> frames(int index, int size) throws IOException {
    List<byte[]> frames = new ArrayList<>();
    try {
      Clip clip = Clip.of(source.name(index), source.scene(index), size, config.slots());
      for (int t = 0; t < clip.frames(); t++) {
        try {
          frames.add(clip.rgb(t));
        } catch (UncheckedIOException e) {
          bad.met(source.name(index), e.getCause());
          continue;
        }
        if (config.flipProbability() > 0) {
          frames.add(clip.mirrored(t));
        }
      }
    } catch (IOException e) {
      bad.met(source.name(index), e);
    }
    return frames;
  }

  private void frame(byte[] rgb, FrameEncoder encoder) throws IOException {
    looked++;
    String key = LatentCache.key(rgb);
    if (!cache.holds(key)) {
      waiting.put(key, rgb);
    }
    if (waiting.size() == encoder.batch()) {
      encodeWaiting(encoder);
    }
  }

  private void encodeWaiting(FrameEncoder encoder) throws IOException {
    if (waiting.isEmpty()) {
      return;
    }
    float[] pixels = new float[waiting.size() * encoder.length()];
    int at = 0;
    for (byte[] rgb : waiting.values()) {
      PairBatch.pixels(rgb, pixels, at++);
    }
    try (Scope _ = Scope.open()) {
      Tensor moments = encoder.encode(pixels);
      at = 0;
      for (String key : waiting.keySet()) {
        cache.add(key, moments.rows(at, ++at));
      }
    }
    encoded += waiting.size();
    waiting.clear();
    long now = System.nanoTime();
    if (cache.unwritten() >= SHARD || now - written >= UNWRITTEN.toNanos()) {
      cache.flush();
      written = now;
    }
  }

  /** The identity of what is to be cached, without reading a frame. */
  private String dataSet() {
    Sha256 names = new Sha256().add(source.describe());
    names.add(model.preset().imageSize() + (config.flipProbability() > 0 ? " mirrored" : ""));
    for (int i = 0; i < source.size(); i++) {
      names.add(source.name(i));
    }
    return names.hex();
  }

  /** The number of frames that were encoded. */
  public long encoded() {
    return encoded;
  }

  /** The number of frames that were looked for, 0 if an earlier pass had found all. */
  public long looked() {
    return looked;
  }
}
