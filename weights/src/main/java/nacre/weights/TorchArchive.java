package nacre.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.weights.PickleValue.Storage;

/**
 * The zip archives of {@code torch.save} since 1.6: a pickle {@code data.pkl}, a file {@code
 * data/KEY} for each storage, and the byte order of the machine that wrote it, all in one folder of
 * any name.
 */
final class TorchArchive {
  private static final String PICKLE = "/data.pkl";

  static final String SCRIPT =
      "is a program of TorchScript, which is not read: save its state_dict()";

  private TorchArchive() {}

  static TorchFile.Contents read(Path path, MemorySegment file) throws WeightsException {
    Map<String, MemorySegment> entries = ZipEntries.read(path, file);
    List<String> pickles =
        entries.keySet().stream()
            .filter(name -> name.endsWith(PICKLE) && name.indexOf('/') == name.lastIndexOf('/'))
            .toList();
    if (pickles.size() != 1) {
      throw new WeightsException(
          path,
          pickles.isEmpty()
              ? "is a zip archive, but none of torch.save: it has no data.pkl; unpack it first"
              : "has " + pickles.size() + " data.pkl");
    }
    String pickle = pickles.getFirst();
    String folder = pickle.substring(0, pickle.length() - PICKLE.length()) + "/";
    if (entries.containsKey(folder + "constants.pkl")) {
      throw new WeightsException(path, SCRIPT);
    }
    PickleInput input = new PickleInput(path, entries.get(pickle), 0);
    Unpickler unpickler = new Unpickler(input);
    Object root = unpickler.load();
    if (input.left() > 0) {
      throw input.wrong(input.left() + " bytes follow its end");
    }
    Map<String, MemorySegment> storages = new HashMap<>();
    for (Storage storage : unpickler.storages().values()) {
      MemorySegment bytes = entries.get(folder + "data/" + storage.key());
      long there = bytes == null ? -1 : bytes.byteSize();
      if (there != storage.bytes()) {
        throw new WeightsException(
            path,
            String.format(
                Locale.ROOT,
                "its storage %s has %s, its pickle says %d bytes",
                OneLine.clip(storage.key()),
                bytes == null ? "no entry" : there + " bytes",
                storage.bytes()));
      }
      storages.put(storage.key(), bytes);
    }
    return new TorchFile.Contents(root, storages, bigEndian(path, entries, folder));
  }

  private static boolean bigEndian(Path path, Map<String, MemorySegment> entries, String folder)
      throws WeightsException {
    MemorySegment entry = entries.get(folder + "byteorder");
    if (entry == null) {
      return false; // as before 2.1, on all but the rarest machines
    }
    byte[] start = entry.asSlice(0, Math.min(entry.byteSize(), 10)).toArray(ValueLayout.JAVA_BYTE);
    String order = new String(start, StandardCharsets.US_ASCII).strip();
    return switch (order) {
      case "little" -> false;
      case "big" -> true;
      default ->
          throw new WeightsException(
              path, "its byte order is '" + OneLine.clip(order) + "', not little or big");
    };
  }
}
