package nacre.tensor;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

/**
 * Gradient checkpointing (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016): of a
 * block of operations only the inputs are kept, and backward computes it a second time. Layers mark
 * their blocks; {@link Tape#openRecomputing} makes use of the marks. The gradients are those
 * without it, to the bit.
 */
public final class Recompute {
  private Recompute() {}

  /**
   * Computes a block in a scope of its own.
   *
   * <pre>{@code
   * Recompute.block(in -> attend(residual(in.get(0), in.get(1)), in.get(2)), x, time, context);
   * }</pre>
   *
   * @param function what to compute of the inputs, given in their order. It may run twice, and does
   *     the same each time: random numbers are functions of seeds that do not change. Beside the
   *     inputs it may read parameters and constants that live until backward, but nothing else that
   *     was computed from tracked tensors
   * @param in the inputs; optional ones may be null
   * @throws IllegalStateException if the function reads what was computed from tracked tensors and
   *     is no input
   */
  public static Tensor block(Function<List<Tensor>, Tensor> function, Tensor... in) {
    Tape tape = Tape.current();
    if (tape == null || !tape.recomputes()) {
      return Scope.tidy(() -> function.apply(Collections.unmodifiableList(Arrays.asList(in))));
    }
    for (Tensor tensor : in) {
      if (tensor != null && tensor.tracked()) {
        tape.requireWithinReach(RecomputedBlock.NAME, tensor);
      }
    }
    try (Scope scope = Scope.open();
        Tape rehearsal = Tape.openRehearsal()) {
      List<Tensor> leaves = RecomputedBlock.leaves(in, in);
      Tensor out = function.apply(leaves);
      tape.reads(rehearsal);
      if (out == null) {
        return null;
      }
      if (out.maker() != rehearsal) { // an input, a parameter, or made of nothing that is tracked
        int at = leaves.indexOf(out);
        return at >= 0 ? in[at] : scope.keep(out);
      }
      tape.record(RecomputedBlock.of(function, in, rehearsal.reads(), out));
      return scope.keep(out);
    }
  }
}
