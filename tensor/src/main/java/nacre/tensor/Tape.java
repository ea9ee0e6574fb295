package nacre.tensor;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.backend.Binary;

/**
 * Records operations on tracked tensors while it is open, and walks them backwards.
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
      }
    }
    Context context = new Context(recording, needs);
    Tensor out;
    try {
      out = operation.forward(context, in);
    } catch (RuntimeException | Error e) {
      context.release();
      throw e;
    }
    if (recording) {
      out.track();
      tape.nodes.add(new Node(operation, context, in, out));
    }
    return out;
  }

  /**
   * Gradients of a scalar with respect to every tracked leaf that it depends on. The recording is
   * consumed, and activations are freed on the way.
   *
   * @param loss a tensor of one element, computed while this tape was open
   */
  public Gradients backward(Tensor loss) {
    if (loss.elements() != 1) {
      throw new IllegalArgumentException("backward: the loss must be a scalar, not " + loss);
    }
    return backward(Map.of(loss, Tensor.full(loss.device(), loss.dtype(), loss.shape(), 1)));
  }

  /**
   * Gradients of {@code sum over outputs of (output × cotangent)} with respect to every tracked
   * leaf.
   */
  public Gradients backward(Map<Tensor, Tensor> cotangents) {
    Map<Tensor, Tensor> gradients = new IdentityHashMap<>();
    cotangents.forEach((output, cotangent) -> gradients.put(output, cotangent.detach()));
    // Backward runs with no tape open: gradients of gradients are not recorded.
    CURRENT.set(null);
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
      CURRENT.set(this);
    }
    return new Gradients(gradients);
  }

  private static void backward(Node node, Tensor dy, Map<Tensor, Tensor> gradients) {
    try (Scope scope = Scope.open()) {
      Tensor[] dx = node.operation.backward(node.context, dy);
      for (int i = 0; i < dx.length; i++) {
        if (dx[i] == null || !node.context.needs(i)) {
          continue;
        }
        if (!dx[i].shape().equals(node.in[i].shape())) {
          throw new IllegalStateException(
              node.operation + ": gradient " + i + " is " + dx[i] + ", its input " + node.in[i]);
        }
        Tensor sum = gradients.get(node.in[i]);
        if (sum == null) {
          // A view, since an operation may return dy itself, or one tensor for two inputs.
          gradients.put(node.in[i], scope.hand(dx[i].detach()));
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
    return scope.hand(fresh);
  }

  /** Drops what was recorded and not consumed. */
  @Override
  public void close() {
    for (Node node : nodes) {
      node.context.release();
    }
    nodes.clear();
    if (outer == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(outer);
    }
  }
}
