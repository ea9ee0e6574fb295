package nacre.tensor;

import java.util.IdentityHashMap;
import java.util.Map;

/**
 * What a block of operations reads and does not compute: its inputs, parameters, constants. They
 * must be the same when the block is computed again.
 */
final class ReadTensors {
  private record Version(String tensor, int number) {}

  private final Map<Storage, Version> versions = new IdentityHashMap<>();

  /** Notes those of an operation's inputs that the tape did not see being computed. */
  void note(Tape tape, Tensor... in) {
    for (Tensor tensor : in) {
      if (tensor != null && tensor.maker() != tape) {
        versions.putIfAbsent(
            tensor.storage(), new Version(tensor.describe(), tensor.storage().version()));
      }
    }
  }

  /** Notes what a block within this one has read. */
  void note(ReadTensors inner) {
    inner.versions.forEach(versions::putIfAbsent);
  }

  /**
   * Looks whether everything that there still is, is as it was.
   *
   * @param reader what an error calls the block
   * @throws IllegalStateException if something was written since it was noted
   */
  void requireUnwritten(Object reader) {
    versions.forEach(
        (storage, version) -> {
          if (storage.references() > 0 && storage.version() != version.number) {
            throw Context.written(reader, version.tensor, storage.writer());
          }
        });
  }
}
