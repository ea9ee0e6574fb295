package nacre.tensor;

import java.util.Map;

/** Gradients of the leaves, by leaf. They belong to the scope in which backward was called. */
public final class Gradients {
  private final Map<Tensor, Tensor> byLeaf;

  Gradients(Map<Tensor, Tensor> byLeaf) {
    this.byLeaf = byLeaf;
  }

  /**
   * The gradient of a leaf, of its shape and dtype; null if the loss does not depend on it. To be
   * read only: two leaves may share one memory, as the terms of a sum do.
   */
  public Tensor of(Tensor leaf) {
    return byLeaf.get(leaf);
  }
}
