package nacre.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import nacre.weights.PickleValue.Dictionary;
import nacre.weights.PickleValue.Sequence;
import nacre.weights.PickleValue.Storage;

/**
 * The files of {@code torch.save} before 1.6: five pickles, which are a magic number, the version
 * of the format, facts about the machine, the saved object and the storages' keys; then for each
 * storage the number of its elements and these, little-endian whatever the machine was.
 */
final class LegacyTorch {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);

  /** How a file begins whose pickles are of protocol 0 or 1. */
  static final String MAGIC_LINE = "L" + MAGIC;

  private static final long VERSION = 1001;

  private static final ValueLayout.OfLong COUNT =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final MemorySegment file;

  /** Over all five pickles, which share the bounds of length and memory of one. */
  private final PickleInput input;

  /** The position after them. */
  private long at;

  private LegacyTorch(Path path, MemorySegment file) {
    this.path = path;
    this.file = file;
    this.input = new PickleInput(path, file, 0);
  }

  static TorchFile.Contents read(Path path, MemorySegment file) throws WeightsException {
    return new LegacyTorch(path, file).read();
  }

  private TorchFile.Contents read() throws WeightsException {
    if (!MAGIC.equals(next().root)) {
      throw new WeightsException(
          path, "is a pickle, but none of torch.save: load it in Python and save a state_dict()");
    }
    Object version = next().root;
    if (!Long.valueOf(VERSION).equals(version)) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "its format is %s, %d is read",
              PickleObjects.describe(version),
              VERSION));
    }
    if (!(next().root instanceof Dictionary)) {
      throw new WeightsException(path, "does not say of which machine it is");
    }
    Pickle saved = next();
    if (!(next().root instanceof Sequence keys)) {
      throw new WeightsException(path, "does not list its storages");
    }
    Map<String, MemorySegment> storages = new HashMap<>();
    for (Object key : keys.items) {
      Storage storage = saved.storages.get(key.toString());
      if (storage == null || storages.containsKey(storage.key())) {
        throw new WeightsException(
            path,
            String.format(
                Locale.ROOT,
                "lists storage %s, which %s",
                PickleObjects.describe(key),
                storage == null ? "no tensor is in" : "it lists twice"));
      }
      storages.put(storage.key(), bytes(storage));
    }
    for (String key : saved.storages.keySet()) {
      if (!storages.containsKey(key)) {
        throw new WeightsException(path, "does not list its storage " + OneLine.clip(key));
      }
    }
    if (at != file.byteSize()) {
      throw new WeightsException(
          path, file.byteSize() - at + " bytes follow its end; it may hold more than one object");
    }
    return new TorchFile.Contents(saved.root, storages, false);
  }

  /** One of the pickles. */
  private record Pickle(Object root, Map<String, Storage> storages) {}

  private Pickle next() throws WeightsException {
    Unpickler unpickler = new Unpickler(input);
    Object root = unpickler.load();
    at = input.position();
    return new Pickle(root, unpickler.storages());
  }

  private MemorySegment bytes(Storage storage) throws WeightsException {
    int width = storage.type() == null ? 1 : storage.type().bytes();
    long left = file.byteSize() - at - Long.BYTES;
    long elements = left < 0 ? -1 : file.get(COUNT, at);
    if (elements != storage.bytes() / width || storage.bytes() > left) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "its storage %s has %s, its pickle says %d bytes",
              OneLine.clip(storage.key()),
              left < 0 || elements == storage.bytes() / width
                  ? Math.max(left, 0) + " bytes left in the file, which may be truncated"
                  : elements + " elements",
              storage.bytes()));
    }
    MemorySegment bytes = file.asSlice(at + Long.BYTES, storage.bytes());
    at += Long.BYTES + storage.bytes();
    return bytes;
  }
}
