package nacre.nn;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import nacre.nn.ShardLayout.Bucket;
import nacre.nn.ShardLayout.Member;
import nacre.nn.ShardLayout.Piece;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.DryRun;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Collectives;
import nacre.tensor.spi.DynamicCode;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * The state of a sharded optimizer as that of one which is not: whole tensors by the names of
 * {@link AdamW#state}, however many ranks there are.
 */
final class ShardedState {
  private static final String MASTER = "master.";

  /**
   * A kind of state.
   *
   * @param type of a member's tensor; null if it has none
   * @param divisor how many elements of a parameter share one of it
   */
  private record Kind(String prefix, Function<Member, DType> type, int divisor) {
    Shape shape(Member member) {
      return divisor == 1
          ? member.parameter().shape()
          : Shape.of(DynamicCode.blocks(member.parameter().elements()));
    }
  }

  private final ShardLayout layout;
  private final Collectives ranks;
  private final Map<String, Tensor> parameters;
  private final AdamW part;
  private final Map<String, Tensor> trained;
  private final Device device;
  private final Backend backend;
  private final List<Kind> kinds = new ArrayList<>();

  /**
   * The state of an optimizer.
   *
   * @param parameters all, by name
   * @param part updates this rank's pieces
   * @param trained what it updates, by the names of parameters
   */
  ShardedState(
      ShardLayout layout,
      Collectives ranks,
      Map<String, Tensor> parameters,
      AdamW part,
      Map<String, Tensor> trained) {
    this.layout = layout;
    this.ranks = ranks;
    this.parameters = parameters;
    this.part = part;
    this.trained = trained;
    this.device = parameters.values().iterator().next().device();
    this.backend = device.backend();
    Function<Member, DType> moments = member -> part.momentsOf(member.parameter().elements());
    Function<Member, DType> scales = m -> moments.apply(m) == DType.U8 ? DType.F32 : null;
    kinds.add(new Kind("m.", moments, 1));
    kinds.add(new Kind("v.", moments, 1));
    kinds.add(new Kind("m_scales.", scales, DynamicCode.BLOCK));
    kinds.add(new Kind("v_scales.", scales, DynamicCode.BLOCK));
    kinds.add(new Kind(MASTER, m -> m.parameter().dtype() == DType.F32 ? null : DType.F32, 1));
  }

  /** This rank's tensors of a kind, rows, by the names of parameters. */
  private Tensor mine(Kind kind, Piece piece, Map<String, Tensor> state) {
    Tensor tensor =
        kind.prefix.equals(MASTER)
            ? trained.get(piece.name())
            : state.get(kind.prefix + piece.name());
    return tensor.view(Shape.of(Math.toIntExact(tensor.elements())));
  }

  /** Whole tensors in the host's memory, of the current scope; called by all ranks together. */
  Map<String, Tensor> gather(Predicate<String> kept) {
    Map<String, Tensor> gathered = new TreeMap<>();
    try (Scope scope = Scope.open()) {
      Map<String, Tensor> state = part.state();
      for (Bucket bucket : layout.buckets()) {
        for (Kind kind : kinds) {
          Set<DType> types = EnumSet.noneOf(DType.class);
          bucket.members().stream().map(kind.type).filter(t -> t != null).forEach(types::add);
          for (DType type : types) {
            gather(bucket, kind, type, state, kept, gathered);
          }
        }
      }
      Tensor steps = steps();
      if (kept.test("steps")) {
        gathered.put("steps", steps.to(device.home()));
      }
      gathered.values().forEach(scope::keep);
    }
    return gathered;
  }

  private void gather(
      Bucket bucket,
      Kind kind,
      DType type,
      Map<String, Tensor> state,
      Predicate<String> kept,
      Map<String, Tensor> gathered) {
    try (Scope scope = Scope.open()) {
      Tensor flat = Tensor.zeros(device, type, Shape.of(bucket.elements() / kind.divisor));
      Tensor own = layout.part(flat);
      for (Piece piece : layout.pieces().values()) {
        if (piece.bucket() == bucket && typeOf(kind, piece) == type) {
          Tensor tensor = mine(kind, piece, state);
          int at = piece.at() / kind.divisor;
          backend.cast(tensor, own.rows(at, at + tensor.dim(0)));
        }
      }
      ranks.gather(own, flat);
      for (Member member : bucket.members()) {
        String name = kind.prefix + member.name();
        if (kind.type.apply(member) == type && kept.test(name)) {
          Shape shape = kind.shape(member);
          int at = (int) member.at() / kind.divisor;
          Tensor whole = flat.rows(at, at + Math.toIntExact(shape.elements())).view(shape);
          Tensor copy = Tensor.empty(device, type, shape);
          backend.cast(whole, copy);
          gathered.put(name, scope.keep(copy.to(device.home())));
        }
      }
    }
  }

  private static DType typeOf(Kind kind, Piece piece) {
    return kind.type.apply(new Member(piece.name(), piece.parameter(), 0));
  }

  /** How many steps each parameter has taken, in their order. */
  private Tensor steps() {
    Tensor steps = Tensor.zeros(device, DType.I32, Shape.of(parameters.size()));
    int number = 0;
    for (String name : parameters.keySet()) {
      Piece piece = layout.pieces().get(name);
      if (piece != null && piece.from() == 0) {
        backend.cast(part.stepsOf(name), steps.rows(number, number + 1));
      }
      number++;
    }
    ranks.sum(steps);
    return steps;
  }

  /** Bytes that this rank holds. */
  long bytes() {
    long masters =
        layout.pieces().values().stream()
            .filter(piece -> piece.parameter().dtype() != DType.F32)
            .mapToLong(piece -> trained.get(piece.name()).bytes())
            .sum();
    return masters + part.stateBytes();
  }

  /** Takes this rank's pieces out of whole tensors; without masters, those are the parameters. */
  void load(StateDict saved) throws WeightsException {
    Map<String, Tensor> expected = new LinkedHashMap<>();
    try (Scope _ = Scope.open()) {
      Device counts = DryRun.of(device); // shapes without memory
      boolean masters = saved.entries().keySet().stream().anyMatch(n -> n.startsWith(MASTER));
      for (Kind kind : kinds) {
        if (masters || !kind.prefix.equals(MASTER)) {
          for (Bucket bucket : layout.buckets()) {
            for (Member member : bucket.members()) {
              DType type = kind.type.apply(member);
              if (type != null) {
                String name = kind.prefix + member.name();
                expected.put(name, Tensor.empty(counts, type, kind.shape(member)));
              }
            }
          }
        }
      }
      expected.put("steps", Tensor.empty(counts, DType.I32, Shape.of(parameters.size())));
      saved.requireFits(expected);
    }
    Map<String, Tensor> state = part.state();
    for (Piece piece : layout.pieces().values()) {
      for (Kind kind : kinds) {
        if (typeOf(kind, piece) != null) {
          load(saved, kind, piece, state);
        }
      }
    }
    loadSteps(saved);
  }

  private void load(StateDict saved, Kind kind, Piece piece, Map<String, Tensor> state)
      throws WeightsException {
    try (Scope _ = Scope.open()) {
      String name = kind.prefix + piece.name();
      Tensor whole = piece.parameter();
      if (saved.entries().containsKey(name)) {
        Member member = new Member(piece.name(), piece.parameter(), 0);
        whole = Tensor.empty(device, kind.type.apply(member), kind.shape(member));
        saved.loadInto(Map.of(name, whole), _ -> true);
      }
      Tensor row = whole.view(Shape.of(Math.toIntExact(whole.elements())));
      Tensor to = mine(kind, piece, state);
      int from = piece.from() / kind.divisor;
      backend.cast(row.rows(from, from + to.dim(0)), to);
    }
  }

  private void loadSteps(StateDict saved) throws WeightsException {
    try (Scope _ = Scope.open()) {
      Tensor steps = Tensor.empty(device, DType.I32, Shape.of(parameters.size()));
      saved.loadInto(Map.of("steps", steps), _ -> true);
      int number = 0;
      for (String name : parameters.keySet()) {
        if (layout.pieces().containsKey(name)) {
          backend.cast(steps.rows(number, number + 1), part.stepsOf(name));
        }
        number++;
      }
    }
  }
}
