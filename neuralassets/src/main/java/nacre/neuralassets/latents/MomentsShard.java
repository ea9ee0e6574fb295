package nacre.neuralassets.latents;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.Sha256;
import nacre.weights.WeightsException;

/**
 * A file of the cache: the moments of some frames, each under the digest of its pixels, and in the
 * metadata the digest of all of them, by which a damaged file is found.
 */
final class MomentsShard {
  private static final String DIGEST = "sha256";

  private MomentsShard() {}

  /**
   * Writes a shard, which is named by its digest, so that no shard is ever written over another.
   *
   * @param frames moments by digest of the frame, at least one
   * @param shape of each, {@code [s, s, 2c]}
   * @throws IOException in one sentence; nothing is left behind then
   */
  static Path write(Path folder, Map<String, float[]> frames, Shape shape) throws IOException {
    try (Scope _ = Scope.open()) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      Sha256 digest = new Sha256();
      for (Map.Entry<String, float[]> frame : new TreeMap<>(frames).entrySet()) {
        Tensor moments = Tensor.of(Device.cpu(), shape, frame.getValue());
        digest.add(frame.getKey()).add(shape.toString()).add(moments.segment().asByteBuffer());
        writer.add(frame.getKey(), moments, Layout.SAME);
      }
      String name = digest.hex();
      Path file = folder.resolve("moments-" + name.substring(0, 16) + ".safetensors");
      writer.metadata(DIGEST, name).write(file);
      return file;
    }
  }

  /** Whether a file is called as shards are. */
  static boolean is(Path file) {
    return file.getFileName().toString().matches("moments-[0-9a-f]{16}\\.safetensors");
  }

  /**
   * Opens a shard and compares its content with its digest.
   *
   * @throws WeightsException in one line, if it is damaged
   */
  static SafeTensors open(Path file) throws WeightsException {
    SafeTensors shard = SafeTensors.open(file);
    Sha256 digest = new Sha256();
    SortedMap<String, SafeTensors.Entry> frames = new TreeMap<>(shard.entries());
    frames.forEach(
        (name, entry) ->
            digest.add(name).add(entry.shape().toString()).add(entry.data().asByteBuffer()));
    if (!digest.hex().equals(shard.metadata().get(DIGEST))) {
      shard.close();
      throw new WeightsException(file, "is damaged, its SHA-256 is not the one in its metadata");
    }
    return shard;
  }
}
