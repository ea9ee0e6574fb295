package nacre.tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * A block that a tape did not record. Backward computes it again on a tape of its own, through
 * which the gradients so far go on: each sum has its terms in the order that it would have had.
 *
 * @param function the block
 * @param in its inputs, as keys of their gradients; closed, perhaps
 * @param context keeps their elements
 * @param reads what must not have been written since
 * @param out its output
 */
record RecomputedBlock(
    Function<List<Tensor>, Tensor> function,
    Tensor[] in,
    Context context,
    ReadTensors reads,
    Tensor out)
    implements Tape.Node {
  static final String NAME = "Recompute";

  static RecomputedBlock of(
      Function<List<Tensor>, Tensor> function, Tensor[] in, ReadTensors reads, Tensor out) {
    Context context = new Context(NAME, true, new boolean[in.length]);
    context.save(in);
    context.seal();
    return new RecomputedBlock(function, in.clone(), context, reads, out);
  }

  /**
   * Leaves in place of inputs, tracked where those are; one for an input that is given twice.
   *
   * @param elements what the leaves hold
   */
  static List<Tensor> leaves(Tensor[] in, Tensor[] elements) {
    Map<Tensor, Tensor> known = new IdentityHashMap<>();
    List<Tensor> leaves = new ArrayList<>();
    for (int i = 0; i < in.length; i++) {
      Tensor leaf = in[i] == null ? null : known.get(in[i]);
      if (in[i] != null && leaf == null) {
        leaf = elements[i].detach();
        known.put(in[i], in[i].tracked() ? leaf.track() : leaf);
      }
      leaves.add(leaf);
    }
    return Collections.unmodifiableList(leaves);
  }

  @Override
  public void backward(Tensor dy, Map<Tensor, Tensor> gradients) {
    reads.requireUnwritten(NAME);
    try (Tape tape = Tape.openRecomputing()) {
      List<Tensor> leaves;
      Tensor again;
      try (Scope _ = Scope.open()) {
        Tensor[] kept = new Tensor[in.length];
        Arrays.setAll(kept, context::saved);
        leaves = leaves(in, kept);
        again = function.apply(leaves);
        requireSame(again, tape);
      }
      List<Tensor> outside = Arrays.asList(in);
      rename(gradients, outside, leaves);
      gradients.put(again, dy);
      tape.walk(gradients);
      rename(gradients, leaves, outside);
    }
  }

  private void requireSame(Tensor again, Tape tape) {
    if (again == null
        || again.maker() != tape
        || !again.shape().equals(out.shape())
        || again.dtype() != out.dtype()) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "backward: a block computed %s first, and %s when it ran again; it must do the same"
                  + " each time",
              out.describe(),
              again == null ? "nothing" : again.describe()));
    }
  }

  private static void rename(Map<Tensor, Tensor> gradients, List<Tensor> from, List<Tensor> to) {
    for (int i = 0; i < from.size(); i++) {
      if (gradients.containsKey(from.get(i))) {
        gradients.put(to.get(i), gradients.remove(from.get(i)));
      }
    }
  }

  @Override
  public List<Tensor> leaves() {
    List<Tensor> all = new ArrayList<>(reads.leaves());
    for (Tensor tensor : in) {
      if (tensor != null && tensor.tracked() && tensor.maker() == null) {
        all.add(tensor);
      }
    }
    return all;
  }

  @Override
  public void release() {
    context.release();
  }
}
