package nacre.tensor;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a block of operations reads and does not compute: its inputs, parameters, constants. They
 * must be the same when the block is computed again.
 */
final class ReadTensors {
  private record Version(String tensor, int number) {}

  private final Map<Storage, Version> versions = new IdentityHashMap<>();
  private final Set<Tensor> leaves = Collections.newSetFromMap(new IdentityHashMap<>());
  private final List<Tensor> leavesInOrder = new ArrayList<>();

  /** Notes those of an operation's inputs that the tape did not see being computed. */
  void note(Tape tape, Tensor... in) {
    for (Tensor tensor : in) {
      if (tensor != null && tensor.maker() != tape) {
        versions.putIfAbsent(
            tensor.storage(), new Version(tensor.describe(), tensor.storage().version()));
        if (tensor.tracked() && tensor.maker() == null) {
          addLeaf(tensor);
        }
      }
    }
  }

  /** Notes what a block within this one has read. */
  void note(ReadTensors inner) {
    inner.versions.forEach(versions::putIfAbsent);
    inner.leavesInOrder.forEach(this::addLeaf);
  }

  private void addLeaf(Tensor leaf) {
    if (leaves.add(leaf)) {
      leavesInOrder.add(leaf);
    }
  }

  /** The tracked leaves among them, parameters mostly, in the order in which they were read. */
  List<Tensor> leaves() {
    return leavesInOrder;
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
