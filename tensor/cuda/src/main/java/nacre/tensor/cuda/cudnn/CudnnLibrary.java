package nacre.tensor.cuda.cudnn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import nacre.tensor.DeviceMemoryException;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.CudaException;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.cuda.driver.Stopwatch;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * Convolutions and attention by cuDNN on one GPU. A plan is made once for a signature and kept; so
 * is the verdict that there is none, with the library's reason. Each method answers false, having
 * written nothing, where cuDNN has no engine.
 */
public final class CudnnLibrary {
  /**
   * Attention's gradient that gives the same bits each time keeps the scores of all queries with
   * all keys, 2 bytes each. A batch that would make it more than this part of the GPU's memory goes
   * in pieces, of one entry at least. It is a part of all memory and not of what is free, so that a
   * run that is resumed computes by the same plans.
   */
  private static final long PART = 32;

  private static final long SCORE_BYTES = 2;

  /** Plans that are timed where tuning is asked for, of engines that are compiled among them. */
  private static final int CANDIDATES = 8;

  private final CudaDevice device;
  private final CudaAllocator allocator;
  private final Graph.Freedom freedom;
  private final long mostScores;
  private final LibraryPolicy policy;
  private final Map<GraphShape, Verdict> verdicts = new HashMap<>();
  private final Map<GraphShape, Integer> pieces = new HashMap<>(); // entries of each, by the whole
  private Target.Handle target;

  private sealed interface Verdict {
    /**
     * @param ran whether it was run before, so that a failure is no fault of its engine
     */
    record Planned(Plan plan, boolean ran) implements Verdict {}

    record Refused() implements Verdict {}
  }

  /**
   * @param policy takes what cuDNN refused, and why, once for each signature
   */
  public CudnnLibrary(CudaDevice device, CudaAllocator allocator, LibraryPolicy policy) {
    this(device, allocator, policy, mostScores(device.totalBytes()));
  }

  /**
   * @param mostScores how many scores attention's gradient may keep at a time
   */
  CudnnLibrary(CudaDevice device, CudaAllocator allocator, LibraryPolicy policy, long mostScores) {
    this.device = device;
    this.allocator = allocator;
    this.policy = policy;
    this.freedom = new Graph.Freedom(policy.tf32());
    this.mostScores = mostScores;
  }

  /** How many scores a GPU of so much memory keeps. */
  static long mostScores(long totalBytes) {
    return totalBytes / PART / SCORE_BYTES;
  }

  /**
   * y = f(x ∗ w + bias + residual).
   *
   * @param bias nullable, as is f
   * @param residual of y's shape, or [N, 1, 1, O] for the same at every pixel; nullable
   */
  public boolean convolution(
      Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    if (!Graph.knows(f)) {
      return false;
    }
    GraphShape shape =
        new GraphShape.Convolution(
            x.dtype(),
            x.shape(),
            w.shape(),
            y.shape(),
            window,
            bias != null,
            residual == null ? null : residual.shape(),
            f);
    return run(shape, at(x), at(w), at(bias), at(residual), at(y));
  }

  public boolean convolutionInputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    return run(
        new GraphShape.ConvolutionGradient(
            Graph.Direction.INPUT_GRADIENT, dy.dtype(), dx.shape(), w.shape(), dy.shape(), window),
        at(dx),
        at(w),
        at(dy));
  }

  public boolean convolutionWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw) {
    return run(
        new GraphShape.ConvolutionGradient(
            Graph.Direction.WEIGHT_GRADIENT, dy.dtype(), x.shape(), dw.shape(), dy.shape(), window),
        at(x),
        at(dw),
        at(dy));
  }

  /**
   * y = softmax(scale · q kᵀ) v, all [N, T, H, D]; not causal. As one operation of cuDNN's, or,
   * where its version or the GPU has no engine for that, as the operations that it is made of.
   *
   * @param state f32 [N, H, T], nullable
   */
  public boolean attention(AttentionInputs in, Tensor y, Tensor state) {
    Tensor q = in.q();
    Tensor k = in.k();
    boolean logarithms = state != null;
    GraphShape one = new GraphShape.Attention(q.dtype(), q.shape(), k.shape(), logarithms);
    GraphShape many = new GraphShape.ComposedAttention(q.dtype(), q.shape(), k.shape(), logarithms);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment factor = arena.allocateFrom(ValueLayout.JAVA_FLOAT, (float) in.scale());
      MemorySegment[] operands = {at(q), at(k), at(in.v()), factor, at(y), at(state)};
      return run(one, operands) || run(many, operands);
    }
  }

  /**
   * The gradients of {@link #attention}, of so many entries of the batch at a time as fit: fewer,
   * from then on, if less memory is free than was thought.
   */
  public boolean attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out) {
    device.enter();
    try {
      Shape q = in.q().shape();
      int keys = in.k().dim(1);
      GraphShape all = new GraphShape.AttentionGradient(in.q().dtype(), q, in.k().shape());
      int together = pieces.computeIfAbsent(all, _ -> together(q, mostScores / scores(q, keys)));
      while (true) {
        try {
          return attentionBackward(in, y, dy, state, out, together);
        } catch (DeviceMemoryException e) {
          int fewer = together(q, together / 2);
          if (fewer >= together) {
            throw e;
          }
          together = fewer;
          pieces.put(all, fewer);
        }
      }
    } finally {
      device.leave();
    }
  }

  private boolean attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out, int together) {
    Tensor q = in.q();
    Tensor k = in.k();
    int n = q.dim(0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment factor = arena.allocateFrom(ValueLayout.JAVA_FLOAT, (float) in.scale());
      MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1);
      for (int first = 0; first < n; first += together) {
        int count = Math.min(together, n - first);
        GraphShape shape =
            new GraphShape.AttentionGradient(
                q.dtype(), q.shape().with(0, count), k.shape().with(0, count));
        boolean served =
            run(
                shape,
                at(q, first),
                at(k, first),
                at(in.v(), first),
                factor,
                at(y, first),
                at(dy, first),
                at(state, first),
                at(out.dq(), first),
                at(out.dk(), first),
                at(out.dv(), first),
                one);
        if (!served) {
          return false; // what was written of earlier entries is written again by who serves
        }
      }
    }
    return true;
  }

  /** Of one entry. */
  private static long scores(Shape q, int keys) {
    return (long) q.dim(1) * q.dim(2) * keys;
  }

  /** So many entries of a batch, at least one, as make pieces of about the same length. */
  private static int together(Shape q, long most) {
    int n = q.dim(0);
    int even = Math.ceilDiv(n, Math.ceilDiv(n, Math.clamp(most, 1, n)));
    // Plans want addresses in multiples of 16 bytes: four of the states.
    return even == n || (long) q.dim(1) * q.dim(2) % 4 == 0 ? even : Math.ceilDiv(even, 4) * 4;
  }

  private static MemorySegment at(Tensor tensor) {
    return tensor == null ? null : MemorySegment.ofAddress(tensor.address());
  }

  /** Where an entry of the batch begins. */
  private static MemorySegment at(Tensor tensor, int entry) {
    return MemorySegment.ofAddress(tensor.address() + tensor.bytes() / tensor.dim(0) * entry);
  }

  /** Operands in the graph's order; what is null is no operand of it. */
  private boolean run(GraphShape shape, MemorySegment... addresses) {
    MemorySegment[] operands =
        Stream.of(addresses).filter(Objects::nonNull).toArray(MemorySegment[]::new);
    for (MemorySegment operand : operands) {
      // Scalars are the host's and have a length, addresses of the GPU's memory have none.
      if (operand.byteSize() == 0 && operand.address() % Graph.ALIGNMENT != 0) {
        return false;
      }
    }
    device.enter();
    try {
      Graph.Freedom left = freedom;
      while (verdicts.computeIfAbsent(shape, s -> plan(s, freedom, operands))
          instanceof Verdict.Planned(Plan plan, boolean ran)) {
        try {
          run(plan, operands);
          if (!ran) {
            verdicts.put(shape, new Verdict.Planned(plan, true));
            plan.keep();
          }
          return true;
        } catch (CudnnException e) {
          if (ran) {
            throw new CudaException("cuDNN: " + e.getMessage());
          }
          verdicts.remove(shape); // if no other can be planned, nobody finds the closed one
          plan.close();
          if (plan.wasKept()) {
            plan.place().drop(); // its engine may be good, but for what another process wrote
            left = left.fresh();
          } else {
            long engine = plan.choice().engine().number();
            policy.refused().accept(shape + ", engine " + engine, e.getMessage());
            left = left.without(engine);
          }
          verdicts.put(shape, plan(shape, left, operands));
        }
      }
      return false;
    } finally {
      device.leave();
    }
  }

  private void run(Plan plan, MemorySegment[] operands) throws CudnnException {
    long bytes = plan.workspace();
    long workspace = bytes == 0 ? 0 : allocator.allocate(bytes);
    try {
      plan.run(target.cudnn(), workspace, operands);
      device.launched();
    } finally {
      if (bytes != 0) {
        allocator.free(workspace, bytes);
      }
    }
  }

  private Verdict plan(GraphShape shape, Graph.Freedom left, MemorySegment[] operands) {
    if (target == null) {
      target = Target.Handle.open(device.stream(), policy.cache());
    }
    try {
      Verdict.Planned planned = planned(shape, left, operands);
      String how = planned.plan.wasKept() ? ", read from disk" : "";
      policy
          .planned()
          .accept(shape.getClass().getSimpleName(), planned.plan.choice().engine() + how);
      return planned;
    } catch (CudnnException e) {
      policy.refused().accept(shape.toString(), e.getMessage());
      return new Verdict.Refused();
    }
  }

  private Verdict.Planned planned(GraphShape shape, Graph.Freedom left, MemorySegment[] operands)
      throws CudnnException {
    if (!policy.tune() || !canBeRepeated(operands)) {
      return new Verdict.Planned(shape.plan(target, left), false);
    }
    List<Plan> candidates = shape.candidates(target, left, CANDIDATES);
    Plan first = candidates.getFirst();
    if (first.wasKept()) {
      policy.tuned().accept(shape.toString(), first.choice().engine() + ", as it was found before");
    }
    return candidates.size() == 1
        ? new Verdict.Planned(first, false)
        : new Verdict.Planned(fastest(shape, candidates, operands), true);
  }

  /** Whether nothing that is read can be what is written. */
  private static boolean canBeRepeated(MemorySegment[] operands) {
    return Stream.of(operands).map(MemorySegment::address).distinct().count() == operands.length;
  }

  /** Runs each, and keeps the fastest, on disk too. */
  private Plan fastest(GraphShape shape, List<Plan> candidates, MemorySegment[] operands)
      throws CudnnException {
    double[] times = new double[candidates.size()];
    int best = 0;
    CudnnException last = null;
    for (int i = 0; i < times.length; i++) {
      Plan plan = candidates.get(i);
      try {
        times[i] = Stopwatch.time(device, () -> run(plan, operands));
      } catch (CudnnException e) {
        last = e;
        times[i] = Double.POSITIVE_INFINITY;
      } catch (DeviceMemoryException e) {
        times[i] = Double.POSITIVE_INFINITY; // its workspace is what there is too little memory for
      }
      best = times[i] < times[best] ? i : best;
    }
    boolean none = Double.isInfinite(times[best]);
    for (int i = 0; i < times.length; i++) {
      if (none || i != best) {
        candidates.get(i).close();
      }
    }
    if (none) {
      throw last == null ? new CudnnException("memory is short", false) : last;
    }
    Plan plan = candidates.get(best);
    plan.keep();
    policy
        .tuned()
        .accept(
            shape.toString(),
            String.format(
                Locale.ROOT,
                "the fastest of %d plans is number %d, %s, %.2f times as fast as the first",
                times.length,
                best + 1,
                plan.choice().engine(),
                times[0] / times[best]));
    return plan;
  }
}
