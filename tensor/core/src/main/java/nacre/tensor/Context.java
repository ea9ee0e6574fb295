package nacre.tensor;

import java.util.ArrayList;
import java.util.List;

/** What an operation keeps from its forward for its backward. */
public final class Context {
  private final boolean recording;
  private final boolean[] needs;
  private final List<Tensor> saved = new ArrayList<>(4);

  Context(boolean recording, boolean[] needs) {
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

  /** Keeps tensors, null allowed, alive until backward, which reads them by {@link #saved}. */
  public void save(Tensor... tensors) {
    if (recording) {
      for (Tensor t : tensors) {
        saved.add(t == null ? null : t.view(t.shape(), null));
      }
    }
  }

  /** The {@code i}-th saved tensor, in the order of saving. */
  public Tensor saved(int i) {
    return saved.get(i);
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
