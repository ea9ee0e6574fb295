package nacre.nn;

import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import nacre.nn.ShardLayout.Bucket;
import nacre.nn.ShardLayout.Member;
import nacre.nn.ShardLayout.Piece;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Collectives;
import nacre.tensor.spi.RoundingNoise;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * {@link AdamW} whose state is divided among ranks (ZeRO, stages 1 and 2): each updates an equal
 * part of all elements and the parts are gathered, so that all ranks have the same bits. Gradients
 * are clipped by their norm over all parts. Parameters in bf16 have masters in f32, divided like
 * the moments, instead of a way of rounding.
 *
 * <p>The state that is saved does not depend on the number of ranks. What is rounded by chance,
 * moments in bf16, has other random bits on another number of ranks.
 *
 * <p>All ranks call the same methods in the same order.
 */
public final class ShardedAdamW implements Optimizer {
  /** The most bytes of a bucket. */
  private static final long MOST = 64 << 20;

  /** So many buckets, as two are there at a time beside the parts. */
  private static final int BUCKETS = 32;

  private final Map<String, Tensor> parameters;
  private final Collectives ranks;
  private final Sharding sharding;
  private final Device device;
  private final Backend backend;
  private final ShardLayout layout;
  private final Map<String, Tensor> trained = new LinkedHashMap<>();
  private final AdamW part;
  private final ShardedGradients scattered;
  private final ShardedState state;

  /**
   * An optimizer whose state belongs to the current scope. Its learning rate must be set.
   *
   * @param parameters as those of {@link AdamW}, the same on all ranks
   * @param groups the first that names a parameter applies
   * @param sharding {@link Sharding#OPTIMIZER} or {@link Sharding#GRADIENTS}
   * @param wire the type in which gradients are summed over ranks, f32 or bf16; of no effect with
   *     {@link Sharding#OPTIMIZER}, whose gradients come summed
   */
  public ShardedAdamW(
      Map<String, Tensor> parameters,
      AdamW.Config config,
      List<AdamW.Group> groups,
      Collectives ranks,
      Sharding sharding,
      DType wire) {
    this(
        parameters,
        config,
        groups,
        ranks,
        sharding,
        wire,
        ShardLayout.bucketBytes(parameters, BUCKETS, MOST) / Float.BYTES);
  }

  ShardedAdamW(
      Map<String, Tensor> parameters,
      AdamW.Config config,
      List<AdamW.Group> groups,
      Collectives ranks,
      Sharding sharding,
      DType wire,
      long bucketElements) {
    if (sharding == Sharding.NONE || (wire != DType.F32 && wire != DType.BF16)) {
      throw new IllegalArgumentException(
          "AdamW: sharded by " + sharding + ", gradients summed in " + wire + ": not to be had");
    }
    new TrainedParameters("AdamW", parameters, DType.F32, DType.BF16);
    this.parameters = new LinkedHashMap<>(parameters);
    this.ranks = ranks;
    this.sharding = sharding;
    this.device = parameters.values().iterator().next().device();
    this.backend = device.backend();
    this.layout = new ShardLayout(parameters, ranks.rank(), ranks.ranks(), bucketElements);
    layout.pieces().forEach((name, piece) -> trained.put(name, trained(piece)));
    Map<String, Tensor> own = new LinkedHashMap<>(trained);
    if (own.isEmpty()) {
      own.put("", Tensor.zeros(device, DType.F32, Shape.of(1))); // fewer blocks than ranks
    }
    long seed = RoundingNoise.seed(config.seed(), 1 + ranks.rank());
    this.part =
        new AdamW(
            own,
            config.withSeed(seed),
            groups,
            name -> name.isEmpty() ? 1 : this.parameters.get(name).elements(),
            ranks::sum);
    this.scattered =
        sharding == Sharding.GRADIENTS ? new ShardedGradients(layout, ranks, wire, device) : null;
    this.state = new ShardedState(layout, ranks, this.parameters, part, trained);
  }

  /** What is updated of a parameter: its elements themselves, or an f32 copy of them. */
  private Tensor trained(Piece piece) {
    Tensor elements = piece.of(piece.parameter());
    if (elements.dtype() == DType.F32) {
      return elements;
    }
    Tensor master = Tensor.empty(device, DType.F32, elements.shape());
    backend.cast(elements, master);
    elements.close();
    return master;
  }

  /** What is divided. */
  public Sharding sharding() {
    return sharding;
  }

  @Override
  public void setLearningRate(double rate) {
    part.setLearningRate(rate);
  }

  /**
   * Takes a gradient as soon as backward is done with it, to be summed while backward goes on. The
   * gradient may be freed when this returns. Parameters of which it was not called come with {@link
   * #step}.
   *
   * @param gradient of this rank's share of the batch
   * @throws IllegalStateException unless gradients are sharded
   */
  public void ready(Tensor parameter, Tensor gradient) {
    if (scattered == null) {
      throw new IllegalStateException("AdamW: gradients are not sharded; pass them to step");
    }
    scattered.ready(parameter, gradient);
  }

  /**
   * Updates every parameter that has a gradient, on all ranks.
   *
   * @param gradients with {@link Sharding#OPTIMIZER} the means over the ranks, with {@link
   *     Sharding#GRADIENTS} those of this rank's share of the batch
   */
  @Override
  public void step(Function<Tensor, Tensor> gradients) {
    try (Scope _ = Scope.open()) {
      Map<Tensor, Tensor> pieces = new IdentityHashMap<>();
      if (scattered != null) {
        parameters.values().stream()
            .filter(parameter -> !scattered.has(parameter))
            .forEach(parameter -> take(parameter, gradients.apply(parameter)));
        scattered.finish();
        layout.pieces().forEach((name, piece) -> put(pieces, name, scattered.of(piece)));
      } else {
        layout
            .pieces()
            .forEach(
                (name, piece) -> {
                  Tensor gradient = gradients.apply(piece.parameter());
                  put(pieces, name, gradient == null ? null : piece.of(gradient));
                });
      }
      part.step(pieces::get);
    } finally {
      if (scattered != null) {
        scattered.clear();
      }
    }
    gather();
  }

  private void take(Tensor parameter, Tensor gradient) {
    if (gradient != null) {
      scattered.ready(parameter, gradient);
    }
  }

  /** A piece's gradient, in f32 as what it updates. */
  private void put(Map<Tensor, Tensor> pieces, String name, Tensor gradient) {
    Tensor f32 = gradient;
    if (gradient != null && gradient.dtype() != DType.F32) {
      f32 = Tensor.empty(device, DType.F32, gradient.shape());
      backend.cast(gradient, f32);
    }
    if (f32 != null) {
      pieces.put(trained.get(name), f32);
    }
  }

  /** Brings what each rank has updated into the parameters of all. */
  private void gather() {
    for (Bucket bucket : layout.buckets()) {
      try (Scope _ = Scope.open()) {
        Tensor flat = Tensor.zeros(device, bucket.dtype(), Shape.of(bucket.elements()));
        Tensor own = layout.part(flat);
        for (Piece piece : layout.pieces().values()) {
          if (piece.bucket() == bucket) {
            backend.cast(trained.get(piece.name()), piece.in(own));
          }
        }
        ranks.gather(own, flat);
        for (Member member : bucket.members()) {
          Tensor parameter = member.parameter();
          int at = (int) member.at();
          Tensor row = flat.rows(at, at + Math.toIntExact(parameter.elements()));
          backend.cast(row.view(parameter.shape()), parameter);
        }
      }
    }
  }

  /** Norm of all gradients of the last step before clipping, over all ranks. */
  public double gradientNorm() {
    return part.gradientNorm();
  }

  /** Its square, as {@link AdamW#squaredGradientNorm}. */
  public Tensor squaredGradientNorm() {
    return part.squaredGradientNorm();
  }

  /**
   * As {@link #state(Predicate)}, all of it on every rank. The names are those of {@link
   * AdamW#state} and, of parameters in bf16, {@code master.<name>}.
   */
  @Override
  public Map<String, Tensor> state() {
    return state(_ -> true);
  }

  /**
   * The whole state of all ranks, copied into the host's memory and the current scope; called by
   * all ranks together.
   *
   * @param kept names of what this rank wants of it; of the rest no copy is made
   */
  @Override
  public Map<String, Tensor> state(Predicate<String> kept) {
    return state.gather(kept);
  }

  /** Bytes of what the gradients of a step leave on this rank; with whole gradients none. */
  public long gradientBytes() {
    return scattered == null ? 0 : scattered.bytes();
  }

  /** Bytes of this rank's part. */
  @Override
  public long stateBytes() {
    return state.bytes();
  }

  @Override
  public void load(StateDict saved) throws WeightsException {
    state.load(saved);
  }
}
