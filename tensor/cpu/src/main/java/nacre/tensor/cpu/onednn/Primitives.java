package nacre.tensor.cpu.onednn;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Primitives by signature, built when first asked for. Those that were not used for longest go when
 * there are too many: a process that draws in ever new sizes does not grow.
 */
final class Primitives<K> {
  /** A step that trains Stable Diffusion's UNet needs some 400 in all. */
  static final int CAPACITY = 512;

  private final Map<K, Primitive> built = new LinkedHashMap<>(16, 0.75f, true);
  private final Function<K, Primitive> builder;
  private final int capacity;

  Primitives(Function<K, Primitive> builder) {
    this(builder, CAPACITY);
  }

  Primitives(Function<K, Primitive> builder, int capacity) {
    this.builder = builder;
    this.capacity = capacity;
  }

  /** The primitive of a signature, to be closed after use. */
  synchronized Primitive lend(K key) {
    Primitive primitive = built.get(key);
    if (primitive == null) {
      primitive = builder.apply(key);
      built.put(key, primitive);
      if (built.size() > capacity) {
        Iterator<Primitive> longestUnused = built.values().iterator();
        longestUnused.next().close();
        longestUnused.remove();
      }
    }
    return primitive.retain();
  }

  synchronized int size() {
    return built.size();
  }
}
