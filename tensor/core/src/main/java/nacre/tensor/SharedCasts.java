package nacre.tensor;

import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Copies of a step's parameters in the dtype in which it computes, made all at once instead of by a
 * cast wherever a layer reads one: {@link Tape#sharingCasts}. While they are open on a thread, a
 * cast of a parameter to that dtype is a view of its copy.
 */
final class SharedCasts implements AutoCloseable {
  private static final ThreadLocal<SharedCasts> CURRENT = new ThreadLocal<>();

  /** A copy, and the version of the parameter that it is of. */
  private record Copy(Tensor elements, int version) {}

  private final SharedCasts outer = CURRENT.get();
  private final Map<Tensor, Copy> copies = new IdentityHashMap<>();

  /** Copies those parameters that are of another floating dtype. */
  SharedCasts(Collection<Tensor> parameters, DType dtype) {
    List<Tensor> from = new ArrayList<>();
    List<Tensor> to = new ArrayList<>();
    for (Tensor parameter : parameters) {
      if (parameter.dtype() != dtype && !copies.containsKey(parameter)) {
        Tensor copy = Tensor.empty(parameter.device(), dtype, parameter.shape());
        copies.put(parameter, new Copy(copy, parameter.version()));
        from.add(parameter);
        to.add(copy);
      }
    }
    if (!from.isEmpty()) {
      from.getFirst().backend().castAll(from, to);
    }
    CURRENT.set(this);
  }

  /** The copy of a parameter that was not written since; null for none. */
  static Tensor of(Tensor parameter, DType dtype) {
    SharedCasts casts = CURRENT.get();
    Copy copy = casts == null ? null : casts.copies.get(parameter);
    boolean fits =
        copy != null && copy.elements.dtype() == dtype && copy.version == parameter.version();
    return fits ? copy.elements : null;
  }

  /** Frees the copies, as far as nothing that was recorded still reads them. */
  @Override
  public void close() {
    copies.values().forEach(copy -> copy.elements.close());
    copies.clear();
    if (outer == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(outer);
    }
  }
}
