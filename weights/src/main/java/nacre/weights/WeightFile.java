package nacre.weights;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file of named tensors, memory-mapped: a {@linkplain SafeTensors safetensors file} or one of
 * {@linkplain TorchFile PyTorch}. Which of them it is, its first bytes say, not its name.
 */
public sealed interface WeightFile extends AutoCloseable permits SafeTensors, TorchFile {
  /**
   * Opens a file of either format.
   *
   * @throws WeightsException if it is missing, malformed or of another format, in one line
   */
  static WeightFile open(Path path) throws WeightsException {
    return open(path, Optional.empty());
  }

  /**
   * As {@link #open(Path)}.
   *
   * @param key of the dictionary to take in a file of PyTorch, as {@link TorchFile#open}
   */
  static WeightFile open(Path path, Optional<String> key) throws WeightsException {
    return MappedFile.open(
        path,
        (bytes, arena) -> {
          if (TorchFile.recognizes(bytes)) {
            return TorchFile.parse(path, bytes, arena, key);
          }
          SafeTensors file = SafeTensors.parse(path, bytes, arena);
          if (key.isPresent()) {
            throw new WeightsException(
                path, "is a safetensors file, which has no dictionaries to choose from");
          }
          return file;
        });
  }

  /** The file. */
  Path path();

  /** Strings that the file's writer left beside the tensors. */
  Map<String, String> metadata();

  /** The tensors by name. */
  Map<String, SafeTensors.Entry> entries();

  /** The key of the dictionary that the tensors are from; empty where they are the whole file. */
  default Optional<String> taken() {
    return Optional.empty();
  }

  /** The keys of further dictionaries with tensors, which were not taken. */
  default List<String> leftOut() {
    return List.of();
  }

  /**
   * The tensor of a name.
   *
   * @throws WeightsException if there is none
   */
  default SafeTensors.Entry entry(String name) throws WeightsException {
    SafeTensors.Entry entry = entries().get(name);
    if (entry == null) {
      throw new WeightsException(path(), "has no tensor " + OneLine.clip(name));
    }
    return entry;
  }

  /** Unmaps the file; entries can no longer be read. */
  @Override
  void close();
}
