package nacre.neuralassets.latents;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import nacre.neuralassets.data.EncodedFrames;
import nacre.neuralassets.model.Preset;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Aside;
import nacre.weights.AtomicFile;
import nacre.weights.SafeTensors;
import nacre.weights.Sha256;
import nacre.weights.WeightsException;

/**
 * A cache of what an autoencoder makes of frames: the moments of their latents, in safetensors
 * files, under the digest of the frame's pixels, in a folder for each autoencoder and kind of
 * device, which is named by the digest of the autoencoder's configuration and weights and of the
 * device's engine. So whatever changes is encoded anew, and several runs and data sets may share a
 * folder.
 *
 * <p>Files appear whole or not at all. What is added is in memory until {@link #flush}.
 */
public final class LatentCache implements EncodedFrames, AutoCloseable {
  /** The type under whose names the parameters of the autoencoder lie in a model. */
  private static final String VAE = "vae.";

  private static final String COMPLETE = "complete-";

  private final Path folder;
  private final Consumer<String> note;
  private final List<SafeTensors> shards = new ArrayList<>();
  private final Map<String, SafeTensors.Entry> stored = new HashMap<>();
  private final Map<String, float[]> added = new LinkedHashMap<>();
  private final Set<Path> known = new HashSet<>();
  private Shape shape;
  private boolean missed;

  private LatentCache(Path folder, Consumer<String> note) {
    this.folder = folder;
    this.note = note;
  }

  /**
   * Opens the part of a cache that belongs to an autoencoder and to the device where it lies, and
   * compares all files in it with their digests. A damaged one is moved aside, so that its frames
   * are encoded anew.
   *
   * @param root folder of the cache, made where missing
   * @param preset of a model that draws in latents
   * @param parameters of the model; those that begin with {@code vae.} count
   * @param note called with a line for each damaged file
   * @throws IOException in one line, if the folder cannot be used
   */
  public static LatentCache open(
      Path root, Preset preset, Map<String, Tensor> parameters, Consumer<String> note)
      throws IOException {
    Path folder = root.resolve(digest(preset, parameters).substring(0, 16));
    if (Files.exists(root) && !Files.isDirectory(root)) {
      throw new IOException(root + ": is a file, a folder for the cache is wanted");
    }
    Files.createDirectories(folder);
    AtomicFile.removeLeftovers(folder);
    LatentCache cache = new LatentCache(folder, note);
    try {
      cache.reread();
    } catch (IOException | RuntimeException | Error e) {
      cache.close();
      throw e;
    }
    return cache;
  }

  /**
   * Takes in the files that other processes have written since it was opened.
   *
   * @throws IOException in one line, if the folder cannot be used
   */
  public void reread() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(MomentsShard::is).sorted().toList()) {
        if (known.add(file)) {
          add(file);
        }
      }
    }
  }

  private void add(Path file) throws IOException {
    SafeTensors shard;
    try {
      shard = MomentsShard.open(file);
    } catch (WeightsException e) {
      forgetComplete();
      note.accept(
          String.format(
              Locale.ROOT,
              "%s; its frames are encoded anew, it is now %s",
              e.getMessage(),
              Aside.move(file).getFileName()));
      return;
    }
    shards.add(shard);
    stored.putAll(shard.entries());
  }

  /** The digest of an autoencoder's configuration and weights, and of what decides its bits. */
  private static String digest(Preset preset, Map<String, Tensor> parameters) {
    Sha256 digest = new Sha256().add(preset.vae().orElseThrow().toJson().toString());
    digest.add(Integer.toString(FrameEncoder.batch(preset))); // it may choose another kernel
    digest.add(engine(parameters.values().iterator().next().device().backend().describe()));
    new TreeMap<>(parameters)
        .forEach(
            (name, tensor) -> {
              if (name.startsWith(VAE)) {
                digest.add(name).add(tensor.dtype().toString()).add(tensor.shape().toString());
                digest.add(bytes(tensor.toFloats()));
              }
            });
    return digest.hex();
  }

  /**
   * What computes, of which two of a kind give the same bits.
   *
   * @param device as a backend describes itself
   */
  static String engine(String device) {
    return device.replaceFirst("^([a-z-]+):\\d+", "$1");
  }

  private static ByteBuffer bytes(float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes;
  }

  /** The folder of the autoencoder. */
  public Path folder() {
    return folder;
  }

  /** The number of frames. */
  public int frames() {
    return stored.size() + added.size();
  }

  /** The key of a frame: the digest of its packed bytes. */
  static String key(byte[] rgb) {
    return Sha256.of(rgb);
  }

  /** Whether the frame of a key is there. */
  boolean holds(String key) {
    return stored.containsKey(key) || added.containsKey(key);
  }

  /** Adds a frame; it is in memory only. */
  void add(String key, Tensor moments) {
    shape = Shape.of(moments.dim(1), moments.dim(2), moments.dim(3));
    added.put(key, moments.toFloats());
  }

  /** The bytes of what is in memory only. */
  long unwritten() {
    return added.isEmpty() ? 0 : added.size() * shape.elements() * Float.BYTES;
  }

  /**
   * Writes what is in memory only.
   *
   * @throws IOException in one sentence, if that fails
   */
  void flush() throws IOException {
    if (!added.isEmpty()) {
      Path file = MomentsShard.write(folder, added, shape);
      added.clear();
      known.add(file);
      add(file);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>A frame that is not there is encoded as it comes, and the next start looks through the data
   * set again.
   */
  @Override
  public float[] moments(byte[] rgb) {
    String key = key(rgb);
    SafeTensors.Entry entry = stored.get(key);
    if (entry != null) {
      return entry.data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }
    if (!added.containsKey(key)) {
      tellOfMissing();
    }
    return added.get(key);
  }

  private synchronized void tellOfMissing() {
    if (!missed) {
      missed = true;
      note.accept(
          folder
              + " lacks frames that are trained on, which are encoded as they come; was the"
              + " data set changed?");
      try {
        forgetComplete();
      } catch (IOException e) {
        note.accept(e.getMessage());
      }
    }
  }

  /** Whether a pass over a data set was completed before. */
  boolean isComplete(String dataSet) {
    return Files.isRegularFile(folder.resolve(COMPLETE + dataSet.substring(0, 16)));
  }

  /** Takes down that a pass over a data set is complete. */
  void complete(String dataSet, String description) throws IOException {
    Files.writeString(
        folder.resolve(COMPLETE + dataSet.substring(0, 16)), description + System.lineSeparator());
  }

  private void forgetComplete() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        if (file.getFileName().toString().startsWith(COMPLETE)) {
          Files.delete(file);
        }
      }
    }
  }

  /** Unmaps all files. What was not flushed is gone. */
  @Override
  public void close() {
    shards.forEach(SafeTensors::close);
    stored.clear();
  }
}
