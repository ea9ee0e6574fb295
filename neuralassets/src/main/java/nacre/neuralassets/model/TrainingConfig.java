package nacre.neuralassets.model;

import java.util.List;
import java.util.Locale;
import nacre.nn.AdamW;
import nacre.nn.Sharding;
import nacre.tensor.DType;
import nacre.weights.ConfigRange;

/**
 * The training settings.
 *
 * @param steps length of a run, unless the command line says otherwise; if the file gives none, the
 *     paper's 200,000
 * @param batchSize pairs of frames per step, all its micro-batches and all ranks together
 * @param learningRate after the warm-up
 * @param encoderLearningRateFactor times the learning rate for the image encoder, which is frozen
 *     if it is 0
 * @param tokenLearningRateFactor times the learning rate for the layers between encoder and UNet,
 *     which no checkpoint has initialized
 * @param rateSchedule learning-rate schedule after the warm-up
 * @param warmupSteps steps until the learning rate is reached
 * @param weightDecay decoupled
 * @param adamBeta1 decay of the first moment
 * @param adamBeta2 decay of the second moment
 * @param adamEpsilon added to the second moment's root
 * @param maxGradNorm gradients are scaled down to this norm
 * @param emaDecay weight of the past in the averaged parameters
 * @param dropProbability share of samples that lose all their tokens
 * @param timestepPower timesteps are drawn as ⌊u^(1/power) · T⌋ with u uniform; 1 in the paper,
 *     more gives more noise
 * @param objectWeight how often errors inside the targets' object boxes count; 1 in the paper
 * @param gradientCheckpointing whether backward computes the blocks of UNet and image encoder again
 *     instead of keeping what was computed in them: less memory, more time, the same bits
 * @param trainable patterns of the names of parameters that are trained, as {@link
 *     nacre.nn.NameGlob} has them
 * @param gradientAccumulationSteps micro-batches in which the batch of a step is computed, one
 *     after the other: the same step up to rounding, with the activations of one of them
 * @param optimizerState the type in which AdamW keeps its moments
 * @param parameters the type in which trained parameters are stored; those of adapters are f32 in
 *     any case
 * @param rounding how parameters stored in bf16 are rounded
 * @param emaOnHost whether the averaged parameters are held, and updated, in the host's memory
 * @param prepackFrozen whether the weights of frozen convolutions are {@linkplain
 *     nacre.tensor.Tensor#prepack prepacked}, for forward and for backward
 * @param shard what ranks that train together divide instead of each holding all of it
 * @param reduceDtype the type in which they exchange gradients
 */
public record TrainingConfig(
    int steps,
    int batchSize,
    double learningRate,
    double encoderLearningRateFactor,
    double tokenLearningRateFactor,
    RateSchedule rateSchedule,
    int warmupSteps,
    double weightDecay,
    double adamBeta1,
    double adamBeta2,
    double adamEpsilon,
    double maxGradNorm,
    double emaDecay,
    double dropProbability,
    double timestepPower,
    double objectWeight,
    boolean gradientCheckpointing,
    List<String> trainable,
    int gradientAccumulationSteps,
    AdamW.Moments optimizerState,
    ParameterType parameters,
    AdamW.Rounding rounding,
    boolean emaOnHost,
    boolean prepackFrozen,
    Sharding shard,
    ParameterType reduceDtype) {
  /** In what trained parameters are stored. */
  public enum ParameterType {
    /** f32, whatever is computed in. */
    FLOAT32(DType.F32),
    /** bf16, without a copy in f32. */
    BFLOAT16(DType.BF16);

    private final DType dtype;

    ParameterType(DType dtype) {
      this.dtype = dtype;
    }

    /** The same as a type of tensors. */
    public DType dtype() {
      return dtype;
    }
  }

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming the key
   */
  public TrainingConfig {
    ConfigRange range = new ConfigRange("training.");
    range.whole("steps", steps, 1, Integer.MAX_VALUE);
    range.whole("batch_size", batchSize, 1, 1 << 16);
    range.number("learning_rate", learningRate, 0, 1000);
    range.number("encoder_learning_rate_factor", encoderLearningRateFactor, 0, 1e6);
    range.number("token_learning_rate_factor", tokenLearningRateFactor, 0, 1e6);
    range.whole("warmup_steps", warmupSteps, 0, Integer.MAX_VALUE);
    range.number("weight_decay", weightDecay, 0, 1000);
    range.number("adam_beta1", adamBeta1, 0, 0.999999);
    range.number("adam_beta2", adamBeta2, 0, 0.999999);
    range.number("adam_epsilon", adamEpsilon, 1e-30, 1);
    range.number("max_grad_norm", maxGradNorm, 1e-30, 1e30);
    range.number("ema_decay", emaDecay, 0, 0.999999);
    range.number("drop_probability", dropProbability, 0, 1);
    range.number("timestep_power", timestepPower, 0.01, 100);
    range.number("object_weight", objectWeight, 0.01, 1000);
    trainable = List.copyOf(trainable);
    range.whole("trainable's length", trainable.size(), 1, 1000);
    range.whole("gradient_accumulation_steps", gradientAccumulationSteps, 1, batchSize);
    if (batchSize % gradientAccumulationSteps != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "training.gradient_accumulation_steps is %d; the batch_size of %d must be a"
                  + " multiple of it",
              gradientAccumulationSteps,
              batchSize));
    }
  }

  /**
   * Requires the pictures of a batch to fit into an array of Java's.
   *
   * @throws IllegalArgumentException naming the key
   */
  static void requireArray(int imageSize, TrainingConfig training) {
    if (3L * imageSize * imageSize * training.batchSize > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "training.batch_size does not fit the rest: 3 · image_size² · batch_size numbers of at"
              + " most 2³¹ − 1 is wanted");
    }
  }

  /** Pairs of frames that one process computes at a time. */
  public int microBatchSize() {
    return batchSize / gradientAccumulationSteps;
  }

  /**
   * Requires the batch to have an equal part for each of some ranks and its micro-batches.
   *
   * @throws IllegalArgumentException naming the keys
   */
  public void requireParts(int ranks) {
    if (batchSize % ((long) ranks * gradientAccumulationSteps) != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "training.batch_size is %d, which %d processes cannot divide equally, in %d"
                  + " micro-batches each; it counts the pairs of all of them",
              batchSize,
              ranks,
              gradientAccumulationSteps));
    }
  }

  /** The learning-rate schedule after the warm-up. */
  public enum RateSchedule {
    /** A constant rate. */
    CONSTANT,
    /** A cosine decay to zero at the end of training. */
    COSINE
  }

  /**
   * The settings of the optimizer.
   *
   * @param seed of the run
   */
  public AdamW.Config optimizer(long seed) {
    return new AdamW.Config(
        adamBeta1,
        adamBeta2,
        adamEpsilon,
        weightDecay,
        maxGradNorm,
        optimizerState,
        rounding,
        seed);
  }

  /** Reads the part {@code training} of a preset. */
  static TrainingConfig of(PresetReader r) {
    TrainingConfig training =
        new TrainingConfig(
            r.integer("steps", 200_000),
            r.integer("batch_size"),
            r.number("learning_rate"),
            r.number("encoder_learning_rate_factor", 1),
            r.number("token_learning_rate_factor", 1),
            r.choice("learning_rate_schedule", RateSchedule.class, RateSchedule.CONSTANT),
            r.integer("warmup_steps"),
            r.number("weight_decay"),
            r.number("adam_beta1"),
            r.number("adam_beta2"),
            r.number("adam_epsilon"),
            r.number("max_grad_norm"),
            r.number("ema_decay"),
            r.number("drop_probability"),
            r.number("timestep_power", 1),
            r.number("object_weight", 1),
            r.flag("gradient_checkpointing", false),
            r.texts("trainable", List.of("*")),
            r.integer("gradient_accumulation_steps", 1),
            r.choice("optimizer_state", AdamW.Moments.class, AdamW.Moments.FLOAT32),
            r.choice("parameters", ParameterType.class, ParameterType.FLOAT32),
            r.choice("rounding", AdamW.Rounding.class, AdamW.Rounding.STOCHASTIC),
            r.flag("ema_on_host", false),
            r.flag("prepack_frozen", false),
            r.choice("shard", Sharding.class, Sharding.NONE),
            r.choice("reduce_dtype", ParameterType.class, ParameterType.FLOAT32));
    r.end();
    return training;
  }

  /** The same of an autoencoder, without what concerns the diffusion. */
  static TrainingConfig ofAutoencoder(PresetReader r) {
    TrainingConfig training =
        new TrainingConfig(
            r.integer("steps"),
            r.integer("batch_size"),
            r.number("learning_rate"),
            1,
            1,
            r.choice("learning_rate_schedule", RateSchedule.class, RateSchedule.CONSTANT),
            r.integer("warmup_steps"),
            r.number("weight_decay"),
            r.number("adam_beta1"),
            r.number("adam_beta2"),
            r.number("adam_epsilon"),
            r.number("max_grad_norm"),
            r.number("ema_decay"),
            0,
            1,
            1,
            r.flag("gradient_checkpointing", false),
            List.of("*"),
            1,
            r.choice("optimizer_state", AdamW.Moments.class, AdamW.Moments.FLOAT32),
            r.choice("parameters", ParameterType.class, ParameterType.FLOAT32),
            r.choice("rounding", AdamW.Rounding.class, AdamW.Rounding.STOCHASTIC),
            r.flag("ema_on_host", false),
            false,
            Sharding.NONE,
            ParameterType.FLOAT32);
    r.end();
    return training;
  }
}
