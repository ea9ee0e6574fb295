package nacre.tensor;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.spi.Binary;

/**
 * Records operations on tracked tensors while it is open, and walks them backwards. Of tapes within
 * each other the innermost records. What one has recorded another can take as a leaf only.
 *
 * <pre>{@code
 * try (Tape tape = Tape.open()) {
 *   Tensor loss = meanSquaredError(model.forward(x), target);
 *   Gradients gradients = tape.backward(loss);
 * }
 * }</pre>
 */
public final class Tape implements AutoCloseable {
  private static final ThreadLocal<Tape> CURRENT = new ThreadLocal<>();

  private record Node(Operation operation, Context context, Tensor[] in, Tensor out) {}

  private final Tape outer = CURRENT.get();
  private final List<Node> nodes = new ArrayList<>();
  private boolean closed;

  private Tape() {}

  /** Opens a tape on this thread; operations are recorded until it closes. */
  public static Tape open() {
    Tape tape = new Tape();
    CURRENT.set(tape);
    return tape;
  }

  static Tensor run(Operation operation, Tensor... in) {
    Tape tape = CURRENT.get();
    boolean[] needs = new boolean[in.length];
    boolean recording = false;
    if (tape != null) {
      for (int i = 0; i < in.length; i++) {
        needs[i] = in[i] != null && in[i].tracked();
        recording |= needs[i];
        if (needs[i]) {
          tape.requireWithinReach(operation, in[i]);
        }
      }
    }
    Context context = new Context(operation, recording, needs);
    Tensor out;
    // How an operation computes is its own affair: operations inside it are not recorded.
    restore(null);
    try {
      out = operation.forward(context, in);
    } catch (RuntimeException | Error e) {
      context.release();
      throw e;
    } finally {
      restore(tape);
    }
    if (recording && out.dtype().isFloating()) {
      out.track(tape);
      context.seal();
      // A copy: the array may be the caller's own, and change before the backward.
      tape.nodes.add(new Node(operation, context, in.clone(), out));
    } else {
      context.release();
    }
    return out;
  }

  /** Going backwards would end at a tensor that another tape recorded, and nobody be told. */
  private void requireWithinReach(Operation operation, Tensor in) {
    if (in.maker() != null && in.maker() != this) {
      throw new IllegalStateException(
          operation
              + ": "
              + in.describe()
              + " was computed on another tape, which this one cannot go back through; detach() it,"
              + " track() it as a leaf, or compute both on one tape");
    }
  }

  private static void restore(Tape tape) {
    if (tape == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(tape);
    }
  }

  /**
   * Gradients of a scalar with respect to every tracked leaf that it depends on. The recording is
   * consumed, and activations are freed on the way.
   *
   * @param loss a tensor of one element, computed while this tape was open
   * @throws IllegalStateException if the loss was not recorded here, or was consumed before, or if
   *     an operation's backward wants what it saved and that was written since
   */
  public Gradients backward(Tensor loss) {
    if (loss.elements() != 1) {
      throw new IllegalArgumentException(
          "backward: the loss must be a scalar, not " + loss.describe());
    }
    if (!recorded(loss)) {
      throw new IllegalStateException(
          "backward: "
              + loss.describe()
              + " is not on this tape: it depends on no tracked tensor, or was computed while the"
              + " tape was not open, or backward was already called");
    }
    return backward(Map.of(loss, Tensor.full(loss.device(), loss.dtype(), loss.shape(), 1)));
  }

  /**
   * Gradients of {@code sum over outputs of (output × cotangent)} with respect to every tracked
   * leaf. Outputs that depend on no tracked tensor contribute nothing.
   *
   * @param cotangents by output, of the output's shape and dtype
   */
  public Gradients backward(Map<Tensor, Tensor> cotangents) {
    Map<Tensor, Tensor> gradients = new IdentityHashMap<>();
    cotangents.forEach(
        (output, cotangent) -> {
          requireAlike("backward: cotangent", cotangent, "output", output);
          gradients.put(output, cotangent.detach());
        });
    // Backward runs with no tape open: gradients of gradients are not recorded.
    Tape open = CURRENT.get();
    restore(null);
    try {
      for (int i = nodes.size() - 1; i >= 0; i--) {
        Node node = nodes.remove(i);
        try {
          Tensor dy = gradients.remove(node.out);
          if (dy != null) {
            backward(node, dy, gradients);
            dy.close();
          }
        } finally {
          node.context.release();
        }
      }
    } finally {
      restore(open);
    }
    return new Gradients(gradients);
  }

  private boolean recorded(Tensor out) {
    for (int i = nodes.size() - 1; i >= 0; i--) {
      if (nodes.get(i).out == out) {
        return true;
      }
    }
    return false;
  }

  private static void requireAlike(String what, Tensor gradient, String whose, Tensor of) {
    if (!gradient.shape().equals(of.shape()) || gradient.dtype() != of.dtype()) {
      throw new IllegalArgumentException(
          what
              + " is "
              + gradient.describe()
              + ", its "
              + whose
              + " "
              + of.describe()
              + ": they must be alike");
    }
  }

  private static void backward(Node node, Tensor dy, Map<Tensor, Tensor> gradients) {
    try (Scope scope = Scope.open()) {
      Tensor[] dx = node.operation.backward(node.context, dy);
      for (int i = 0; i < dx.length; i++) {
        if (dx[i] == null || !node.context.needs(i)) {
          continue;
        }
        requireAlike(node.operation + ": gradient " + i, dx[i], "input", node.in[i]);
        Tensor sum = gradients.get(node.in[i]);
        if (sum == null) {
          // A view, since an operation may return dy itself, or one tensor for two inputs.
          gradients.put(node.in[i], scope.keep(dx[i].detach()));
        } else {
          gradients.put(node.in[i], accumulate(scope, sum, dx[i]));
        }
      }
    }
  }

  private static Tensor accumulate(Scope scope, Tensor sum, Tensor more) {
    if (sum.unshared()) {
      sum.backend().binary(Binary.ADD, sum, more, sum);
      return sum;
    }
    Tensor fresh = sum.like();
    sum.backend().binary(Binary.ADD, sum, more, fresh);
    sum.close();
    return scope.keep(fresh);
  }

  /**
   * Drops what was recorded and not consumed. Tapes close in the reverse order of their opening.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (CURRENT.get() != this) {
      throw new IllegalStateException("tape: an inner tape is still open, close that one first");
    }
    closed = true;
    for (Node node : nodes) {
      node.context.release();
    }
    nodes.clear();
    restore(outer);
  }
}
