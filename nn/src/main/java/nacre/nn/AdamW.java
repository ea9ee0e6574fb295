package nacre.nn;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.DynamicCode;
import nacre.tensor.spi.RoundingNoise;
import nacre.weights.ConfigRange;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as {@code torch.optim.AdamW},
 * with clipping of the global gradient norm as {@code torch.nn.utils.clip_grad_norm_}. Everything
 * that changes from step to step lies on the device, so that a step involves the device alone and
 * can be captured.
 */
public final class AdamW implements Optimizer {
  /** In f32 a larger one is 1 and forgets nothing: the correction of the bias divides by zero. */
  private static final double LARGEST_BETA = 0.999999;

  /** A smaller one is nothing beside the root of the smallest f32, and 0 / 0 is no number. */
  private static final double LEAST_EPS = 1e-30;

  private static final double LARGEST_FACTOR = 1e6;

  /** The type in which the two moments of a parameter are kept between steps. */
  public enum Moments {
    /** f32: 8 bytes a parameter. */
    FLOAT32,
    /** bf16, rounded by chance so that small changes of large moments are not lost: 4 bytes. */
    BFLOAT16,
    /**
     * 8-bit codes with a scale for each 256 elements, as the 8-bit optimizers of bitsandbytes keep
     * them: 2 bytes. Parameters of less than 4096 elements keep f32, as there.
     */
    INT8
  }

  /**
   * How a parameter that is stored in bf16, without a copy in f32, takes a step smaller than bf16.
   */
  public enum Rounding {
    /**
     * By chance, up as often as the lower neighbor is far, so that the mean of many steps is right
     * (Gupta et al., 2015): 2 bytes a parameter. The chance is a function of seed, step, parameter
     * and element.
     */
    STOCHASTIC,
    /**
     * To nearest, and what that left out is kept in another bf16 and added in the next step (Kahan,
     * 1965): 4 bytes a parameter.
     */
    COMPENSATED
  }

  private static final long LEAST_CODED = 4096;

  /**
   * The settings for all parameters.
   *
   * @param beta1 decay of the first moment
   * @param beta2 decay of the second moment
   * @param eps added to the root of the second moment
   * @param weightDecay times the learning rate, unless a group sets another
   * @param maxNorm the gradients of all parameters together are scaled down to this norm; infinite
   *     for no clipping
   * @param moments how the moments are kept
   * @param rounding how parameters in bf16 are rounded; of no effect on those in f32
   * @param seed of what is rounded by chance: parameters and moments in bf16
   */
  public record Config(
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      double maxNorm,
      Moments moments,
      Rounding rounding,
      long seed) {
    /** With moments in f32, and stochastic rounding where there is anything to round. */
    public Config(double beta1, double beta2, double eps, double weightDecay, double maxNorm) {
      this(beta1, beta2, eps, weightDecay, maxNorm, Moments.FLOAT32, Rounding.STOCHASTIC, 0);
    }

    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException naming the number that lies outside of its range
     */
    public Config {
      ConfigRange range = new ConfigRange("AdamW: ");
      range.number("beta1", beta1, 0, LARGEST_BETA);
      range.number("beta2", beta2, 0, LARGEST_BETA);
      range.number("eps", eps, LEAST_EPS, 1);
      range.number("weightDecay", weightDecay, 0, LARGEST_FACTOR);
      if (!(maxNorm > 0)) {
        throw new IllegalArgumentException(
            "AdamW: maxNorm must be a number above 0, or infinite for no clipping, not " + maxNorm);
      }
    }

    /** PyTorch's defaults, without clipping. */
    public static Config defaults() {
      return new Config(0.9, 0.999, 1e-8, 0.01, Double.POSITIVE_INFINITY);
    }

    /** The same with clipping. */
    public Config withMaxNorm(double norm) {
      return new Config(beta1, beta2, eps, weightDecay, norm, moments, rounding, seed);
    }

    /** The same with moments of another type. */
    public Config withMoments(Moments type) {
      return new Config(beta1, beta2, eps, weightDecay, maxNorm, type, rounding, seed);
    }

    /** The same with another way of rounding parameters in bf16. */
    public Config withRounding(Rounding way) {
      return new Config(beta1, beta2, eps, weightDecay, maxNorm, moments, way, seed);
    }

    /** The same with another seed. */
    public Config withSeed(long other) {
      return new Config(beta1, beta2, eps, weightDecay, maxNorm, moments, rounding, other);
    }
  }

  /**
   * A group of parameters with other settings than the rest.
   *
   * @param names which, by full name
   * @param learningRateFactor times the step's learning rate
   * @param weightDecay in place of the configuration's
   */
  public record Group(Predicate<String> names, double learningRateFactor, double weightDecay) {
    /** Checks the ranges, as {@link Config} does. */
    public Group {
      ConfigRange range = new ConfigRange("AdamW: ");
      range.number("learningRateFactor", learningRateFactor, 0, LARGEST_FACTOR);
      range.number("weightDecay", weightDecay, 0, LARGEST_FACTOR);
    }
  }

  /**
   * One parameter with its state; {@code steps}, i32[1], counts its updates. The compensation is
   * null unless there is one, scales are null unless the moments are codes.
   */
  private record Slot(
      String name,
      Tensor parameter,
      Tensor compensation,
      Tensor m,
      Tensor v,
      Tensor mScales,
      Tensor vScales,
      Tensor steps,
      Group group) {}

  /** What one call of the backend updates. */
  private record Batch(Group group, DType parameters, DType moments, boolean averaged) {}

  private final Config config;
  private final List<Group> groups;
  private final List<Slot> slots = new ArrayList<>();
  private final TrainedParameters trained;
  private final Backend backend;
  private final Tensor squaredNorm;
  private final Tensor steps;
  private final Consumer<Tensor> sumOverRanks;

  /** An optimizer with PyTorch's defaults and a learning rate, which holds until another is set. */
  public AdamW(Map<String, Tensor> parameters, double learningRate) {
    this(parameters, Config.defaults());
    setLearningRate(learningRate);
  }

  /** An optimizer with the same settings for all parameters. Its learning rate must be set. */
  public AdamW(Map<String, Tensor> parameters, Config config) {
    this(parameters, config, List.of());
  }

  /**
   * An optimizer whose state belongs to the current scope. Its learning rate must be set.
   *
   * @param parameters on one device, by name, f32 or bf16; their gradients may be f32 in either
   *     case
   * @param groups the first that names a parameter applies
   * @throws IllegalArgumentException if there are no parameters, or one is of another type
   */
  public AdamW(Map<String, Tensor> parameters, Config config, List<Group> groups) {
    this(parameters, config, groups, name -> parameters.get(name).elements(), null);
  }

  /**
   * An optimizer of some elements of parameters.
   *
   * @param wholes how many elements the whole of a parameter has
   * @param sumOverRanks adds up the squared norms of all parts; null if there are no others
   */
  AdamW(
      Map<String, Tensor> parameters,
      Config config,
      List<Group> groups,
      ToLongFunction<String> wholes,
      Consumer<Tensor> sumOverRanks) {
    this.sumOverRanks = sumOverRanks;
    this.config = config;
    this.trained = new TrainedParameters("AdamW", parameters, DType.F32, DType.BF16);
    Group rest = new Group(name -> true, 1, config.weightDecay);
    this.groups = new ArrayList<>(groups);
    this.groups.add(rest);
    Device device = parameters.values().iterator().next().device();
    this.backend = trained.backend();
    this.squaredNorm = Tensor.zeros(device, DType.F32, Shape.of());
    this.steps = Tensor.zeros(device, DType.I32, Shape.of(parameters.size()));
    parameters.forEach(
        (name, parameter) -> slots.add(slot(name, parameter, wholes.applyAsLong(name))));
  }

  private Slot slot(String name, Tensor parameter, long whole) {
    Group group = groups.stream().filter(g -> g.names.test(name)).findFirst().orElseThrow();
    Device device = parameter.device();
    DType type = momentsOf(whole);
    Tensor m = Tensor.zeros(device, type, parameter.shape());
    Tensor v = Tensor.zeros(device, type, parameter.shape());
    Tensor mScales = null;
    Tensor vScales = null;
    if (type == DType.U8) {
      Shape blocks = Shape.of(DynamicCode.blocks(parameter.elements()));
      mScales = Tensor.zeros(device, DType.F32, blocks);
      vScales = Tensor.zeros(device, DType.F32, blocks);
    }
    Tensor rest = null;
    if (parameter.dtype() == DType.BF16 && config.rounding == Rounding.COMPENSATED) {
      rest = Tensor.zeros(device, DType.BF16, parameter.shape());
    }
    Tensor count = steps.rows(slots.size(), slots.size() + 1);
    return new Slot(name, parameter, rest, m, v, mScales, vScales, count, group);
  }

  /** The type of the moments of a parameter of so many elements. */
  DType momentsOf(long elements) {
    return switch (config.moments) {
      case FLOAT32 -> DType.F32;
      case BFLOAT16 -> DType.BF16;
      case INT8 -> elements < LEAST_CODED ? DType.F32 : DType.U8;
    };
  }

  @Override
  public void setLearningRate(double rate) {
    trained.setLearningRate(rate);
  }

  @Override
  public void step(Function<Tensor, Tensor> gradients) {
    step(gradients, null);
  }

  /**
   * Gradients of f32 parameters may be bf16, as {@link nacre.tensor.Gradients#asComputed} has them.
   */
  @Override
  public void step(Function<Tensor, Tensor> gradients, Ema averages) {
    Map<Batch, List<Slot>> members = new LinkedHashMap<>();
    List<Tensor> all = new ArrayList<>();
    Set<Tensor> moved = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Slot slot : slots) {
      Tensor gradient = gradients.apply(slot.parameter);
      if (gradient != null) {
        boolean averaged = averages != null && averages.of(slot.parameter) != null;
        Batch batch = new Batch(slot.group, slot.parameter.dtype(), slot.m.dtype(), averaged);
        members.computeIfAbsent(batch, _ -> new ArrayList<>()).add(slot);
        all.add(gradient);
        if (averaged) {
          moved.add(slot.parameter);
        }
      }
    }
    if (!all.isEmpty()) {
      backend.sumOfSquares(all, squaredNorm);
    } else if (sumOverRanks != null) {
      backend.fill(squaredNorm, 0);
    }
    if (sumOverRanks != null) {
      sumOverRanks.accept(squaredNorm);
    }
    members.forEach(
        (batch, slotsOfIt) ->
            update(batch.group, slotsOfIt, gradients, batch.averaged ? averages : null));
    if (averages != null) {
      averages.moveOthers(moved::contains);
    }
  }

  private void update(
      Group group, List<Slot> members, Function<Tensor, Tensor> gradients, Ema averages) {
    backend.adamW(
        new AdamWTensors(
            members.stream().map(Slot::parameter).toList(),
            members.stream().map(Slot::compensation).filter(Objects::nonNull).toList(),
            members.stream().map(Slot::parameter).map(gradients).toList(),
            members.stream().map(Slot::m).toList(),
            members.stream().map(Slot::v).toList(),
            members.stream().map(Slot::mScales).filter(Objects::nonNull).toList(),
            members.stream().map(Slot::vScales).filter(Objects::nonNull).toList(),
            members.stream().map(Slot::steps).toList(),
            averages == null
                ? List.of()
                : members.stream().map(Slot::parameter).map(averages::of).toList(),
            averages == null ? null : averages.weight()),
        Double.isInfinite(config.maxNorm) ? null : squaredNorm,
        trained.learningRate(),
        new AdamWConstants(
            config.beta1,
            config.beta2,
            config.eps,
            group.weightDecay,
            config.maxNorm,
            group.learningRateFactor,
            RoundingNoise.seed(config.seed, slots.indexOf(members.getFirst()))));
  }

  /** How many steps a parameter has taken, i32[1]. */
  Tensor stepsOf(String name) {
    return slots.stream().filter(slot -> slot.name.equals(name)).findFirst().orElseThrow().steps;
  }

  /** The square of {@link #gradientNorm}, an f32 scalar on the device, which each step writes. */
  public Tensor squaredGradientNorm() {
    return squaredNorm;
  }

  /** Norm of all gradients of the last step before clipping. Waits for the device. */
  public double gradientNorm() {
    return Math.sqrt(squaredNorm.item());
  }

  /**
   * {@code m.<name>} and {@code v.<name>} of every parameter, where those are codes {@code
   * m_scales.<name>} and {@code v_scales.<name>}, where its rounding is compensated {@code
   * compensation.<name>}, and {@code steps}, i32, one count per parameter.
   */
  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new TreeMap<>();
    for (Slot slot : slots) {
      state.put("m." + slot.name, slot.m);
      state.put("v." + slot.name, slot.v);
      if (slot.compensation != null) {
        state.put("compensation." + slot.name, slot.compensation);
      }
      if (slot.mScales != null) {
        state.put("m_scales." + slot.name, slot.mScales);
        state.put("v_scales." + slot.name, slot.vScales);
      }
    }
    state.put("steps", steps);
    return state;
  }
}
