package nacre.nn;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The named parameters of a model: a place in a tree of dotted names, where layers ask for what
 * they need while they are constructed. Names are those of checkpoints on disk.
 *
 * <pre>{@code
 * Parameters p = Parameters.create(Device.cpu(), DType.F32, 42);
 * Linear query = new Linear(p.at("attn1").at("to_q"), 64, 64); // attn1.to_q.weight, .bias
 * p.all(); // ordered by creation
 * }</pre>
 *
 * Tensors belong to the scope that is current when a model is constructed; the caller keeps that
 * scope open as long as the model lives.
 */
public final class Parameters {
  private final Source source;
  private final String prefix;
  private final Predicate<String> frozen;
  private final Map<String, Tensor> tensors;
  private final Adaptation adaptation;

  private sealed interface Source {}

  /**
   * New tensors, of one type where they are frozen and of one where they are trained; without
   * {@code initialize} their contents are left unwritten.
   */
  private record Fresh(Device device, DType dtype, DType trained, long seed, boolean initialize)
      implements Source {}

  private record Existing(Map<String, Tensor> tensors) implements Source {}

  private Parameters(
      Source source,
      String prefix,
      Predicate<String> frozen,
      Map<String, Tensor> tensors,
      Adaptation adaptation) {
    this.source = source;
    this.prefix = prefix;
    this.frozen = frozen;
    this.tensors = tensors;
    this.adaptation = adaptation;
  }

  /**
   * Parameters that layers initialize.
   *
   * @param dtype what they are stored in; for training f32, whatever the layers compute in, or bf16
   *     with an optimizer that {@linkplain AdamW.Rounding rounds} for it
   * @param seed with a parameter's name it determines the parameter's first values
   */
  public static Parameters create(Device device, DType dtype, long seed) {
    return root(new Fresh(device, dtype, dtype, seed, true));
  }

  /**
   * Parameters whose contents are undefined until a checkpoint is loaded over them: a model of
   * billions is not initialized to be overwritten.
   */
  public static Parameters unwritten(Device device, DType dtype) {
    return root(new Fresh(device, dtype, dtype, 0, false));
  }

  /**
   * Tensors that exist, such as an EMA's, so that a second model is built on them without a copy.
   * Nothing is tracked.
   */
  public static Parameters over(Map<String, Tensor> tensors) {
    return new Parameters(new Existing(tensors), "", _ -> true, new LinkedHashMap<>(), null);
  }

  private static Parameters root(Source source) {
    return new Parameters(source, "", _ -> false, new LinkedHashMap<>(), null);
  }

  /** The place {@code name} below this one; the name may itself contain dots. */
  public Parameters at(String name) {
    return new Parameters(source, prefix + name + ".", frozen, tensors, adaptation);
  }

  /** The dotted name of this place, without a dot at its end; empty for the root. */
  public String place() {
    return prefix.isEmpty() ? "" : prefix.substring(0, prefix.length() - 1);
  }

  /** The place of the {@code index}-th element of a list below this one. */
  public Parameters at(int index) {
    return at(Integer.toString(index));
  }

  /**
   * The same place, for frozen parameters: those made through it are not trained, nor are {@link
   * #adapted adapters}, and no gradients are computed for them.
   */
  public Parameters frozen() {
    return frozen(_ -> true);
  }

  /**
   * The same place, where those of some full names are frozen, besides those that are already.
   *
   * @param names which, by full name
   */
  public Parameters frozen(Predicate<String> names) {
    Adaptation rest = adaptation == null ? null : adaptation.frozen(names);
    return new Parameters(source, prefix, frozen.or(names), tensors, rest);
  }

  /**
   * The same place, for parameters that are stored in another dtype, such as frozen ones in bf16.
   * It says nothing of tensors that exist already.
   */
  public Parameters storedIn(DType dtype) {
    return storedIn(dtype, dtype);
  }

  /** The same place, where those that are trained are stored in another dtype than the rest. */
  public Parameters trainedIn(DType dtype) {
    return source instanceof Fresh fresh ? storedIn(fresh.dtype, dtype) : this;
  }

  private Parameters storedIn(DType dtype, DType trained) {
    Source other =
        source instanceof Fresh fresh
            ? new Fresh(fresh.device, dtype, trained, fresh.seed, fresh.initialize)
            : source;
    return new Parameters(other, prefix, frozen, tensors, adaptation);
  }

  /**
   * The same place, for a model that is not trained itself, but adapted: parameters made through it
   * are {@linkplain #frozen frozen}, but beside the linear layers and convolutions that the
   * configuration names, low-rank adapters are trained, in f32, unless this place is frozen as
   * well, before or after. Adapters begin with A at random and B zero, so that they change nothing,
   * even where parameters are {@linkplain #unwritten unwritten}.
   *
   * <pre>{@code
   * Parameters p = Parameters.unwritten(device, DType.BF16).adapted(LoraConfig.ofRank(16));
   * UNet2DCondition unet = checkpoint.readUNet(p);
   * p.requireTargets();
   * AdamW optimizer = new AdamW(p.trainable(), 1e-4); // A and B of each attention layer
   * }</pre>
   *
   * @param config its targets are names of layers from this place on
   */
  public Parameters adapted(LoraConfig config) {
    Adaptation wanted = new Adaptation(config, prefix, frozen);
    return new Parameters(source, prefix, _ -> true, tensors, wanted);
  }

  /**
   * Requires every target of {@link #adapted} to have named a layer, after the model was built.
   *
   * @throws IllegalArgumentException naming those that did not, and the layers that there are
   */
  public void requireTargets() {
    if (adaptation != null) {
      adaptation.requireTargets();
    }
  }

  /**
   * The adapter beside the layer whose parameters are at this place; null if none is wanted.
   *
   * @param down the shape of A for a rank
   * @param up the shape of B for a rank
   */
  LowRank adapter(IntFunction<Shape> down, IntFunction<Shape> up) {
    if (adaptation == null || !adaptation.wants(prefix)) {
      return null;
    }
    LoraConfig config = adaptation.config();
    return new LowRank(
        factor(LowRank.DOWN, down.apply(config.rank()), Initializer.kaimingUniform()),
        factor(LowRank.UP, up.apply(config.rank()), Initializer.zeros()),
        config.scale());
  }

  private Tensor factor(String name, Shape shape, Initializer initializer) {
    Predicate<String> still = adaptation.frozen();
    String full = prefix + name + ".weight";
    Source own = source;
    if (source instanceof Fresh fresh) {
      DType dtype = still.test(full) ? fresh.dtype : DType.F32;
      own = new Fresh(fresh.device, dtype, dtype, fresh.seed, true);
    }
    Parameters place = new Parameters(own, prefix, still, tensors, null);
    return place.at(name).parameter("weight", shape, initializer);
  }

  /**
   * Creates a parameter, or looks it up where parameters exist already.
   *
   * @throws IllegalStateException if the name is taken
   * @throws IllegalArgumentException if it is to be found, and is missing or of another shape
   */
  public Tensor parameter(String name, Shape shape, Initializer initializer) {
    String full = prefix + name;
    if (tensors.containsKey(full)) {
      throw new IllegalStateException("parameters: two are named " + full);
    }
    Tensor tensor =
        switch (source) {
          case Fresh fresh -> make(fresh, full, shape, initializer);
          case Existing existing -> find(existing, full, shape);
        };
    tensors.put(full, tensor);
    return tensor;
  }

  private Tensor make(Fresh fresh, String full, Shape shape, Initializer initializer) {
    boolean still = frozen.test(full);
    DType dtype = still ? fresh.dtype : fresh.trained;
    Tensor tensor = Tensor.empty(fresh.device, dtype, shape);
    if (fresh.initialize) {
      if (dtype == DType.F32) {
        initializer.fill(tensor, fresh.seed, stream(full));
      } else {
        try (Scope _ = Scope.open()) {
          Tensor wide = Tensor.empty(fresh.device, DType.F32, shape);
          initializer.fill(wide, fresh.seed, stream(full));
          tensor.backend().cast(wide, tensor);
        }
      }
    }
    return still ? tensor : tensor.track();
  }

  private static Tensor find(Existing existing, String full, Shape shape) {
    Tensor tensor = existing.tensors.get(full);
    if (tensor == null) {
      throw new IllegalArgumentException("parameters: there is no " + full);
    }
    if (!tensor.shape().equals(shape)) {
      throw new IllegalArgumentException(
          "parameters: " + full + " is " + tensor.describe() + ", the model wants " + shape);
    }
    return tensor;
  }

  /** FNV-1a: the same on every machine and in every version of Java. */
  private static long stream(String name) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return hash;
  }

  /** Every parameter below this place so far, in the order of creation, under its full name. */
  public Map<String, Tensor> all() {
    if (prefix.isEmpty()) {
      return Collections.unmodifiableMap(tensors);
    }
    Map<String, Tensor> below = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (name.startsWith(prefix)) {
            below.put(name, tensor);
          }
        });
    return below;
  }

  /**
   * Those of {@link #all} under their names relative to this place, as a part of a model is saved
   * in a file of its own.
   */
  public Map<String, Tensor> relative() {
    Map<String, Tensor> below = new LinkedHashMap<>();
    all().forEach((name, tensor) -> below.put(name.substring(prefix.length()), tensor));
    return below;
  }

  /** Those of {@link #relative} that are no adapters': the model's own. */
  public Map<String, Tensor> base() {
    Map<String, Tensor> base = relative();
    base.keySet().removeIf(LoraConfig::isFactor);
    return base;
  }

  /** Those of {@link #relative} that are {@linkplain #adapted adapters'}, A and B of each layer. */
  public Map<String, Tensor> adapters() {
    Map<String, Tensor> adapters = relative();
    adapters.keySet().removeIf(name -> !LoraConfig.isFactor(name));
    return adapters;
  }

  /**
   * Adds the changes of all adapters below this place to the weights beside them, which are not
   * prepacked yet, and returns the same place without adapters, for a model that draws as fast as
   * one that never had any. The adapters are among these parameters no more, so that they are never
   * added twice; a model that was built with them must not be used again.
   *
   * @param config with which the adapters were made
   */
  public Parameters merged(LoraConfig config) {
    Map<String, Tensor> base = new LinkedHashMap<>(all());
    base.keySet().removeIf(LoraConfig::isFactor);
    base.forEach(
        (name, weight) -> {
          String layer = name.substring(0, name.lastIndexOf('.') + 1);
          if (name.equals(layer + "weight")
              && tensors.containsKey(layer + LowRank.DOWN + ".weight")) {
            Tensor down = tensors.remove(layer + LowRank.DOWN + ".weight");
            Tensor up = tensors.remove(layer + LowRank.UP + ".weight");
            new LowRank(down, up, config.scale()).addTo(weight);
          }
        });
    return new Parameters(new Existing(base), prefix, _ -> true, new LinkedHashMap<>(), null);
  }

  /** Those of {@link #all} that are trained. */
  public Map<String, Tensor> trainable() {
    Map<String, Tensor> trained = new LinkedHashMap<>(all());
    trained.values().removeIf(tensor -> !tensor.tracked());
    return trained;
  }

  /**
   * Whether a parameter is the weight of a convolution that is not tracked: what training gains by
   * {@link Tensor#prepack}.
   */
  public static boolean isFrozenConvolution(Tensor parameter) {
    return parameter.shape().rank() == 4 && !parameter.tracked();
  }

  /**
   * {@linkplain Tensor#prepack Prepacks} those of {@link #all}: for a model that is loaded and
   * about to be used, not trained, the device then keeps each weight in its own layout.
   *
   * @return this
   */
  public Parameters prepack() {
    all().values().forEach(Tensor::prepack);
    return this;
  }

  /** Number of elements in {@link #all}. */
  public long count() {
    return all().values().stream().mapToLong(Tensor::elements).sum();
  }
}
