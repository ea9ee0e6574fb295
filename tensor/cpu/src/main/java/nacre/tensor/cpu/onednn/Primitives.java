package nacre.tensor.cpu.onednn;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Primitives by signature, built when first asked for. Those that were not used for longest go when
 * there are too many: a process that draws in ever new sizes does not grow.
 */
final class Primitives<K> {
  /** A step that trains Stable Diffusion's UNet needs some 400 in all. */
  static final int CAPACITY = 512;

  private final Map<K, Primitive> built = new LinkedHashMap<>(16, 0.75f, true);
  private final Function<K, Primitive> builder;
  private final Predicate<K> worth;
  private final int capacity;

  /**
   * None yet.
   *
   * @param worth whether a signature's work is worth sharing; if not, it is planned for one thread
   *     and done by the one that calls
   */
  Primitives(Function<K, Primitive> builder, Predicate<K> worth) {
    this(builder, worth, CAPACITY);
  }

  Primitives(Function<K, Primitive> builder, Predicate<K> worth, int capacity) {
    this.builder = builder;
    this.worth = worth;
    this.capacity = capacity;
  }

  /** The primitive of a signature, to be closed after use. */
  synchronized Primitive lend(K key) {
    Primitive primitive = built.get(key);
    if (primitive == null) {
      primitive = worth.test(key) ? builder.apply(key) : alone(key);
      built.put(key, primitive);
      if (built.size() > capacity) {
        Iterator<Primitive> longestUnused = built.values().iterator();
        longestUnused.next().close();
        longestUnused.remove();
      }
    }
    return primitive.retain();
  }

  private Primitive alone(K key) {
    int team = OneDnn.alone();
    try {
      return builder.apply(key).alone();
    } finally {
      OneDnn.together(team);
    }
  }

  synchronized int size() {
    return built.size();
  }
}
