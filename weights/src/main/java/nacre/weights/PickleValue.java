package nacre.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An object of a pickle, as far as a checkpoint's tensors need it. Strings, whole numbers ({@link
 * Long} or {@link java.math.BigInteger}), {@link Double}s and {@link Boolean}s stand for
 * themselves; these are the others.
 */
sealed interface PickleValue {
  /** Python's {@code None}. */
  enum None implements PickleValue {
    NONE
  }

  /** A tuple, or a {@code torch.Size}. */
  final class Tuple implements PickleValue {
    final Object[] items;

    Tuple(Object... items) {
      this.items = items;
    }
  }

  /** A list. */
  final class Sequence implements PickleValue {
    final List<Object> items = new ArrayList<>();
  }

  /**
   * A dictionary, plain or of a subclass. Keys other than texts and whole numbers of 31 bits are
   * {@link Placeholder}s.
   */
  final class Dictionary implements PickleValue {
    final Map<Object, Object> items = new LinkedHashMap<>();

    /** Whether it is of a class that may have further state, which is of no use here. */
    final boolean subclass;

    Dictionary(boolean subclass) {
      this.subclass = subclass;
    }
  }

  /** A name of {@link PickleNames}: a class, a function, a dtype. */
  record Name(String path, PickleNames.Role role, StoredType type) implements PickleValue {}

  /**
   * A placeholder of an object that is known to be harmless, of a mapping's or list's subclass for
   * instance, or with attributes: what is put into it may hold tensors, the rest is of no use.
   */
  final class Placeholder implements PickleValue {
    final String name;
    Object state = None.NONE;

    /** What was set or appended, by key or number; not written to before that. */
    Map<Object, Object> items = Map.of();

    Placeholder(String name) {
      this.name = name;
    }

    void put(Object key, Object value) {
      if (items.isEmpty()) {
        items = new LinkedHashMap<>();
      }
      items.put(key, value);
    }
  }

  /**
   * A storage of the file, or a part of one.
   *
   * @param key by which the file knows it
   * @param type of its elements; null where tensors say it
   * @param bytes of the whole storage
   * @param from the first byte of the part
   * @param length of the part, in bytes
   */
  record Storage(String key, StoredType type, long bytes, long from, long length)
      implements PickleValue {}

  /**
   * A tensor.
   *
   * @param offset of its first element in the storage, in elements
   * @param sizes its extents
   * @param strides how many elements lie from one to the next along each axis
   */
  record Strided(Storage storage, StoredType type, long offset, int[] sizes, long[] strides)
      implements PickleValue {}
}
