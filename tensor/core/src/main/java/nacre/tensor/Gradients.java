package nacre.tensor;

import java.util.Map;

/** Gradients of the leaves, by leaf. They belong to the scope in which backward was called. */
public final class Gradients {
  private final Map<Tensor, Tensor> byLeaf;
  private final Scope home = Scope.current();

  Gradients(Map<Tensor, Tensor> byLeaf) {
    this.byLeaf = byLeaf;
  }

  /**
   * The gradient of a leaf, of its shape and dtype; null if the loss does not depend on it. To be
   * read only: two leaves may share one memory, as the terms of a sum do.
   */
  public Tensor of(Tensor leaf) {
    Tensor gradient = byLeaf.get(leaf);
    Tensor wide = Computed.ofItsType(leaf, gradient);
    if (wide != gradient) {
      byLeaf.put(leaf, home.adopt(wide));
    }
    return wide;
  }

  /**
   * The same numbers as {@link #of}, in the dtype in which they were computed where that is
   * narrower than an f32 leaf's and {@linkplain Tape#sharingCasts casts are shared}: no pass over
   * them was made to widen them.
   */
  public Tensor asComputed(Tensor leaf) {
    return byLeaf.get(leaf);
  }
}
