package nacre.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * A lifetime. A tensor belongs to the innermost open scope of its thread; closing the scope frees
 * what was born in it, except what is kept in the parent.
 *
 * <pre>{@code
 * try (Scope _ = Scope.open()) {
 *   Tensor y = Scope.tidy(() -> add(multiply(x, x), x)); // y stays, the product is freed
 *   System.out.println(y);
 * } // y is freed
 * }</pre>
 */
public final class Scope implements AutoCloseable {
  private static final ThreadLocal<Scope> CURRENT = new ThreadLocal<>();

  private final Scope parent;

  /** The only one that may use it; null for a detached scope. */
  private final Thread thread;

  private final List<Tensor> tensors = new ArrayList<>();
  private boolean closed;
  private boolean entered;

  private Scope(Scope parent, Thread thread) {
    this.parent = parent;
    this.thread = thread;
  }

  /** Opens a scope inside the current one of this thread. */
  public static Scope open() {
    Scope scope = new Scope(CURRENT.get(), Thread.currentThread());
    CURRENT.set(scope);
    return scope;
  }

  /**
   * Does work in a scope of its own, which frees everything but the result.
   *
   * <pre>{@code
   * return Scope.tidy(
   *     () -> {
   *       Tensor h = silu(linear(x, w, null));
   *       return add(h, x); // outlives the scope, h does not
   *     });
   * }</pre>
   *
   * @param work what it returns is {@linkplain #keep kept}: a tensor, or tensors in arrays,
   *     collections, maps, optionals and records; null, numbers, texts and the like pass as they
   *     are
   * @throws IllegalArgumentException if the result is of a class in which there might be tensors
   *     that nobody can find
   */
  public static <T> T tidy(Supplier<T> work) {
    try (Scope scope = open()) {
      T result = work.get();
      Contained.tensors(result, scope::keep);
      return result;
    }
  }

  /**
   * A scope inside no other and of no thread, for what lives longer than the call that makes it:
   * the weights of a model that is loaded once and used by many calls. Tensors are born in it by
   * {@link #within}. Any thread may use and close it, but only one at a time: callers see to that.
   */
  public static Scope detached() {
    return new Scope(null, null);
  }

  /** Work that may fail. */
  @FunctionalInterface
  public interface Work<T, E extends Exception> {
    /** Does it. */
    T run() throws E;
  }

  /**
   * Does work with this scope, which must be {@linkplain #detached}, as this thread's innermost
   * one: tensors born meanwhile, and those that inner scopes keep, belong to it.
   */
  public <T, E extends Exception> T within(Work<T, E> work) throws E {
    requireOpen();
    if (thread != null || entered) {
      throw new IllegalStateException("scope: is not detached, or is entered already");
    }
    Scope outer = CURRENT.get();
    entered = true;
    CURRENT.set(this);
    try {
      return work.run();
    } finally {
      entered = false;
      restore(outer);
    }
  }

  private static void restore(Scope outer) {
    if (outer == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(outer);
    }
  }

  /**
   * The innermost open scope of this thread.
   *
   * @throws IllegalStateException if there is none
   */
  public static Scope current() {
    Scope scope = CURRENT.get();
    if (scope == null) {
      throw new IllegalStateException(
          "no scope is open on this thread: wrap the work in try (Scope scope = Scope.open())");
    }
    return scope;
  }

  /**
   * Makes a tensor outlive this scope by moving it to the parent, and returns it. A tensor that
   * already belongs to the parent, to a scope further out or to a detached one stays where it is: a
   * parameter that a block returns untouched does not die with the block's caller.
   */
  public Tensor keep(Tensor tensor) {
    if (parent == null) {
      throw new IllegalStateException(
          "scope: the outermost scope has no parent to keep a tensor in");
    }
    Scope owner = tensor.owner();
    if (owner != null && owner != this && owner.thread == null) {
      return tensor;
    }
    for (Scope scope = parent; scope != null; scope = scope.parent) {
      if (owner == scope) {
        return tensor;
      }
    }
    return parent.adopt(tensor);
  }

  /** Frees a tensor if it belongs to this scope, and leaves it to its own if it does not. */
  public void free(Tensor tensor) {
    if (tensor.owner() == this) {
      tensor.close();
    }
  }

  /** Moves a tensor of any scope to this one, and returns it. */
  public Tensor adopt(Tensor tensor) {
    requireOpen();
    tensor.requireOpen(); // a closed tensor would be adopted dead, and found out much later
    if (tensor.owner() == null) {
      throw new IllegalStateException(
          "scope: "
              + tensor.describe()
              + " belongs to a tape or a captured step: keep a detach() of it");
    }
    tensor.owner().forget(tensor);
    register(tensor);
    return tensor;
  }

  void register(Tensor tensor) {
    requireOpen();
    tensor.owner(this, tensors.size());
    tensors.add(tensor);
  }

  /** Takes a tensor out; the last one takes its place, so that no search and no shift is needed. */
  void forget(Tensor tensor) {
    requireThread();
    Tensor last = tensors.removeLast();
    if (last != tensor) {
      tensors.set(tensor.place(), last);
      last.owner(this, tensor.place());
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("scope: already closed");
    }
    requireThread();
  }

  private void requireThread() {
    if (thread != null && thread != Thread.currentThread()) {
      throw new IllegalStateException(
          "scope: opened by " + thread.getName() + ", used by " + Thread.currentThread().getName());
    }
  }

  /**
   * Frees every tensor of this scope, also after one that could not be freed; the first failure is
   * thrown then, with the others suppressed in it. Scopes close in the reverse order of their
   * opening.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (thread == null ? entered : CURRENT.get() != this) {
      throw new IllegalStateException("scope: an inner scope is still open, close that one first");
    }
    closed = true;
    if (thread != null) {
      restore(parent);
    }
    Throwable failure = null;
    for (Tensor tensor : tensors) {
      try {
        tensor.release();
      } catch (RuntimeException | Error e) {
        if (failure == null) {
          failure = e;
        } else if (failure != e) {
          failure.addSuppressed(e);
        }
      }
    }
    tensors.clear();
    switch (failure) {
      case null -> {}
      case Error e -> throw e;
      case Throwable e -> throw (RuntimeException) e;
    }
  }
}
