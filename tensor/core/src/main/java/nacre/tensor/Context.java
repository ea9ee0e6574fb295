package nacre.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What an operation keeps from its forward for its backward. */
public final class Context {
  private final Object operation; // named in errors
  private final boolean recording;
  private final boolean[] needs;
  private final List<Tensor> saved = new ArrayList<>(4);
  private int[] versions = {}; // of what was saved, when forward was done
  private boolean copied;

  Context(Object operation, boolean recording, boolean[] needs) {
    this.operation = operation;
    this.recording = recording;
    this.needs = needs;
  }

  /** Whether a backward will follow. If not, nothing needs to be computed for it. */
  public boolean recording() {
    return recording;
  }

  /** Whether the gradient of input {@code i} is wanted. */
  public boolean needs(int i) {
    return needs[i];
  }

  /**
   * The elements of x in another dtype, if the step has made them for all of its parameters at once
   * ({@link Tape#sharingCasts}): a tensor of the current scope. Null if not. The gradient of x is
   * then that of the result, whatever the operation's backward is.
   */
  public Tensor sharedCast(Tensor x, DType dtype) {
    Tensor copy = SharedCasts.of(x, dtype);
    copied = copy != null;
    return copied ? copy.detach() : null;
  }

  /** Whether the output is a copy of the input that other operations read, too. */
  boolean copied() {
    return copied;
  }

  /** Keeps tensors, null allowed, alive until backward, which reads them by {@link #saved}. */
  public void save(Tensor... tensors) {
    if (recording) {
      for (Tensor t : tensors) {
        saved.add(t == null ? null : t.view(t.shape(), null));
      }
    }
  }

  /** Forward is done: what is written from now on is not what it saved. */
  void seal() {
    versions = new int[saved.size()];
    for (int i = 0; i < versions.length; i++) {
      versions[i] = saved.get(i) == null ? 0 : saved.get(i).version();
    }
  }

  /**
   * The {@code i}-th saved tensor, in the order of saving.
   *
   * @throws IllegalStateException if it, or another tensor in the same memory, was written since
   */
  public Tensor saved(int i) {
    Tensor tensor = saved.get(i);
    if (tensor != null && i < versions.length && tensor.version() != versions[i]) {
      throw written(operation, tensor.describe(), tensor.writer());
    }
    return tensor;
  }

  /** What is said where something is to be read again that is not what it was. */
  static IllegalStateException written(Object reader, String what, Object writer) {
    String name =
        writer instanceof Enum<?> function
            ? function.name().toLowerCase(Locale.ROOT)
            : String.valueOf(writer);
    return new IllegalStateException(
        String.format(
            Locale.ROOT,
            "backward: %s saved %s, which %s has written since, so that the gradient would be"
                + " wrong; write it after backward, or write a copy",
            reader,
            what,
            name));
  }

  void release() {
    for (Tensor t : saved) {
      if (t != null) {
        t.release();
      }
    }
    saved.clear();
  }
}
