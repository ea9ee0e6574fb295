package nacre.neuralassets.training;

import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import nacre.neuralassets.model.TrainingConfig;
import nacre.nn.AdamW;
import nacre.nn.Ema;
import nacre.nn.GradientBuckets;
import nacre.nn.Optimizer;
import nacre.nn.ShardedAdamW;
import nacre.nn.Sharding;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Collectives;

/**
 * The optimizer of a training, and how gradients come to it from backward: straight, or, of several
 * ranks, by way of their means.
 */
final class Learner {
  /** Goes back through a step's loss. */
  interface Backward {
    /**
     * Computes the gradients.
     *
     * @param done takes a parameter and its gradient as soon as it is finished; null for nothing
     * @return the gradients that were not told, or that are there still, in f32 or as computed;
     *     null for none
     */
    Function<Tensor, Tensor> run(BiConsumer<Tensor, Tensor> done);
  }

  private final Map<String, Tensor> trained;
  private final Optimizer optimizer;
  private final Supplier<Tensor> squaredNorm;
  private final GradientBuckets means; // null where gradients come straight
  private final ShardedAdamW scattering; // null unless gradients are divided
  private final long exchangeBytes;

  /**
   * A learner whose state belongs to the current scope.
   *
   * @param trained the parameters by name
   * @param groups the first that names a parameter applies
   * @param ranks null for a process alone
   */
  Learner(
      Map<String, Tensor> trained,
      TrainingConfig config,
      List<AdamW.Group> groups,
      long seed,
      Collectives ranks) {
    this.trained = trained;
    AdamW.Config adam = config.optimizer(seed);
    if (ranks == null && config.shard() == Sharding.NONE) {
      AdamW whole = new AdamW(trained, adam, groups);
      optimizer = whole;
      squaredNorm = whole::squaredGradientNorm;
      means = null;
      scattering = null;
      exchangeBytes = 0;
      return;
    }
    Collectives group = ranks == null ? new LoneRank(1) : ranks;
    if (config.shard() == Sharding.NONE) {
      AdamW whole = new AdamW(trained, adam, groups);
      optimizer = whole;
      squaredNorm = whole::squaredGradientNorm;
      scattering = null;
    } else {
      ShardedAdamW part =
          new ShardedAdamW(
              trained, adam, groups, group, config.shard(), config.reduceDtype().dtype());
      optimizer = part;
      squaredNorm = part::squaredGradientNorm;
      scattering = config.shard() == Sharding.GRADIENTS ? part : null;
    }
    means =
        scattering != null
            ? null
            : new GradientBuckets(trained, group, config.reduceDtype().dtype());
    exchangeBytes = means == null ? scattering.gradientBytes() : means.bytes();
  }

  /** Updates the parameters once, and moves their averages; nothing in it involves the host. */
  void step(Backward backward, Ema averages) {
    if (scattering != null) {
      optimizer.step(backward.run(scattering::ready), averages);
      return;
    }
    if (means == null) {
      optimizer.step(backward.run(null), averages);
      return;
    }
    means.begin();
    Function<Tensor, Tensor> rest = backward.run(means::add);
    for (Tensor parameter : trained.values()) {
      Tensor gradient = rest.apply(parameter);
      if (gradient != null) {
        means.add(parameter, gradient); // unless it was told of
      }
    }
    means.finish();
    optimizer.step(means::of, averages);
  }

  Optimizer optimizer() {
    return optimizer;
  }

  /** Norm of the last step's gradients before clipping, over all ranks. */
  double gradientNorm() {
    return Math.sqrt(squaredGradientNorm().item());
  }

  /** Its square, an f32 scalar on the device. */
  Tensor squaredGradientNorm() {
    return squaredNorm.get();
  }

  /** Whether gradients leave backward one by one, and are freed there. */
  boolean exchanges() {
    return means != null || scattering != null;
  }

  /** What is exchanged takes so many bytes; 0 where nothing is. */
  long exchangeBytes() {
    return exchangeBytes;
  }
}
