package nacre.tensor;

import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

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

  /** What came out of something, and how its gradient goes back through it. */
  sealed interface Node permits Computed, RecomputedBlock {
    Tensor out();

    /** Adds to the gradients of what went in. */
    void backward(Tensor dy, Map<Tensor, Tensor> gradients);

    /** The tracked leaves, parameters mostly, whose gradients this adds to. */
    List<Tensor> leaves();

    /** Lets go of what is kept for backward. */
    void release();
  }

  /** What a tape does with what runs while it is open. */
  private enum Mode {
    /** Keeps what backward will read of every operation. */
    RECORD,
    /** The same, but of {@link Recompute} blocks their inputs only. */
    RECOMPUTE,
    /** Keeps nothing; operations compute as if it did, so that the bits are the same. */
    REHEARSE
  }

  private final Mode mode;
  private final Tape outer = CURRENT.get();
  private final List<Node> nodes = new ArrayList<>();
  private final ReadTensors reads;
  private SharedCasts casts;
  private boolean closed;

  private Tape(Mode mode) {
    this.mode = mode;
    this.reads = mode == Mode.REHEARSE ? new ReadTensors() : null;
    CURRENT.set(this);
  }

  /** Opens a tape on this thread; operations are recorded until it closes. */
  public static Tape open() {
    return new Tape(Mode.RECORD);
  }

  /**
   * Opens a tape for gradient checkpointing: of the blocks that layers mark by {@link
   * Recompute#block} it keeps the inputs only, and backward computes them again. Gradients are the
   * same to the bit. It takes less memory, and the time of a second forward.
   */
  public static Tape openRecomputing() {
    return new Tape(Mode.RECOMPUTE);
  }

  /**
   * Makes, in one pass, the copies of parameters that layers will want in another dtype, and has
   * casts recorded from now on take these. Gradients are the same to the bit. They are held in the
   * dtype of the copies until {@link Gradients#of} is asked for them, or something is added to
   * them.
   *
   * @param parameters leaves of one device; those that are of that dtype are left alone. The copies
   *     belong to the current scope and live until this tape closes
   * @return this tape, which is closed where memory does not suffice
   */
  public Tape sharingCasts(Collection<Tensor> parameters, DType dtype) {
    if (casts != null || CURRENT.get() != this) {
      throw new IllegalStateException(
          "tape: casts are shared once, by the innermost tape that is open");
    }
    restore(null);
    try {
      casts = new SharedCasts(parameters, dtype);
      restore(this);
      return this;
    } catch (RuntimeException | Error e) {
      restore(this);
      close();
      throw e;
    }
  }

  static Tape openRehearsal() {
    return new Tape(Mode.REHEARSE);
  }

  /** The innermost open tape of this thread; null if there is none. */
  static Tape current() {
    return CURRENT.get();
  }

  boolean recomputes() {
    return mode != Mode.RECORD;
  }

  /** What a rehearsal has read; null of another tape. */
  ReadTensors reads() {
    return reads;
  }

  /** Takes over what a rehearsal within this tape has read. */
  void reads(Tape rehearsal) {
    if (reads != null) {
      reads.note(rehearsal.reads);
    }
  }

  /** Records what was computed, unless this is a rehearsal. */
  void record(Node node) {
    node.out().track(this);
    if (mode == Mode.REHEARSE) {
      node.release();
    } else {
      nodes.add(node);
    }
  }

  static Tensor run(Operation operation, Tensor... in) {
    Tape tape = CURRENT.get();
    boolean[] needs = new boolean[in.length];
    boolean recording = false;
    if (tape != null) {
      if (tape.reads != null) {
        tape.reads.note(tape, in);
      }
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
      context.seal();
      // A copy: the array may be the caller's own, and change before the backward.
      tape.record(new Computed(operation, context, in.clone(), out));
    } else {
      context.release();
    }
    return out;
  }

  /** Going backwards would end at a tensor that another tape recorded, and nobody be told. */
  void requireWithinReach(Object operation, Tensor in) {
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
    return backward(loss, null);
  }

  /**
   * The same, and tells of each gradient as soon as it is finished.
   *
   * @param done as in {@link #backward(Map, Map, BiConsumer)}; null for nothing
   */
  public Gradients backward(Tensor loss, BiConsumer<Tensor, Tensor> done) {
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
    Tensor one = Tensor.full(loss.device(), loss.dtype(), loss.shape(), 1);
    return backward(Map.of(loss, one), Map.of(), done);
  }

  /**
   * Gradients of {@code sum over outputs of (output × cotangent)} with respect to every tracked
   * leaf. Outputs that depend on no tracked tensor contribute nothing.
   *
   * @param cotangents by output, of the output's shape and dtype
   */
  public Gradients backward(Map<Tensor, Tensor> cotangents) {
    return backward(cotangents, Map.of());
  }

  /**
   * The same, added to the gradients of earlier passes, so that a batch can be computed in parts.
   *
   * @param sums by leaf: what was summed so far, written in place and returned among the gradients.
   *     Each is of its leaf's shape and of its leaf's dtype or f32, and no other tensor shares its
   *     memory. Leaves without one get gradients of their own: in f32, whatever the leaf's dtype,
   *     where the map has the leaf with a null
   * @throws IllegalArgumentException if a sum has another shape or dtype, or shares its memory
   */
  public Gradients backward(Map<Tensor, Tensor> cotangents, Map<Tensor, Tensor> sums) {
    return backward(cotangents, sums, null);
  }

  /**
   * The same, and tells of each gradient as soon as nothing will be added to it any more, so that
   * it can be sent to other ranks while the rest is computed. The order is that of the recording,
   * backwards: the same wherever the same was computed.
   *
   * @param done takes a leaf and its gradient, once for each leaf that this tape has read and the
   *     outputs depend on; what it computes is not recorded. It may read the gradient only, which
   *     is of the type that it was computed in, is freed when it returns and is not among those
   *     returned, unless it is one of the sums
   */
  public Gradients backward(
      Map<Tensor, Tensor> cotangents, Map<Tensor, Tensor> sums, BiConsumer<Tensor, Tensor> done) {
    Map<Tensor, Tensor> gradients = new IdentityHashMap<>();
    sums.forEach(
        (leaf, sum) -> {
          if (sum != null) {
            requireSum(leaf, sum);
          }
          gradients.put(leaf, sum);
        });
    cotangents.forEach(
        (output, cotangent) -> {
          requireAlike("backward: cotangent", cotangent, "output", output);
          gradients.put(output, cotangent.detach());
        });
    try (Range _ = range(cotangents.keySet())) {
      walk(
          gradients,
          done == null
              ? null
              : leaf -> {
                Tensor gradient = gradients.get(leaf);
                if (gradient != null) {
                  done.accept(leaf, gradient);
                  if (sums.get(leaf) != gradient) {
                    gradients.remove(leaf).close();
                  }
                }
              });
    }
    return new Gradients(gradients);
  }

  private static Range range(Set<Tensor> outputs) {
    return outputs.stream().findFirst().map(y -> y.device().range("backward")).orElse(Range.NONE);
  }

  private static void requireSum(Tensor leaf, Tensor sum) {
    boolean wide = sum.dtype() == leaf.dtype() || sum.dtype() == DType.F32;
    if (!sum.shape().equals(leaf.shape()) || !wide || !sum.unshared()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "backward: gradients of %s cannot be summed in %s: wanted are the same shape, the"
                  + " same dtype or f32, and memory that no other tensor shares",
              leaf.describe(),
              sum.describe()));
    }
  }

  /** Takes gradients from outputs to inputs, node by node; none is left of what was recorded. */
  void walk(Map<Tensor, Tensor> gradients) {
    walk(gradients, null);
  }

  private void walk(Map<Tensor, Tensor> gradients, Consumer<Tensor> done) {
    Map<Node, List<Tensor>> last = done == null ? Map.of() : lastAddends();
    // Backward runs with no tape open: gradients of gradients are not recorded.
    Tape open = CURRENT.get();
    restore(null);
    try {
      for (int i = nodes.size() - 1; i >= 0; i--) {
        Node node = nodes.remove(i);
        try {
          Tensor dy = gradients.remove(node.out());
          if (dy != null) {
            node.backward(dy, gradients);
            dy.close();
          }
          for (Tensor leaf : last.getOrDefault(node, List.of())) {
            done.accept(leaf);
          }
        } finally {
          node.release();
        }
      }
    } finally {
      restore(open);
    }
  }

  /** Leaves by the node, the first that read them, which is the last to add to their gradients. */
  private Map<Node, List<Tensor>> lastAddends() {
    Map<Tensor, Node> seen = new IdentityHashMap<>();
    Map<Node, List<Tensor>> last = new IdentityHashMap<>();
    for (Node node : nodes) {
      for (Tensor leaf : node.leaves()) {
        if (seen.putIfAbsent(leaf, node) == null) {
          last.computeIfAbsent(node, _ -> new ArrayList<>()).add(leaf);
        }
      }
    }
    return last;
  }

  private boolean recorded(Tensor out) {
    for (int i = nodes.size() - 1; i >= 0; i--) {
      if (nodes.get(i).out() == out) {
        return true;
      }
    }
    return false;
  }

  static void requireAlike(String what, Tensor gradient, String whose, Tensor of) {
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
      node.release();
    }
    nodes.clear();
    if (casts != null) {
      casts.close();
    }
    restore(outer);
  }
}
