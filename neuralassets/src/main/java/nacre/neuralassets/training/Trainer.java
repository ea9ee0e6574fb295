package nacre.neuralassets.training;

import java.util.List;
import java.util.Map;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Objective;
import nacre.neuralassets.model.Preset;
import nacre.nn.AdamW;
import nacre.nn.Ema;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;

/**
 * A model in training: parameters, optimiser, averaged parameters. To be used, and closed, by the
 * thread that made it.
 */
public final class Trainer implements AutoCloseable {
  /** Philox stream of the noise of step 0; each step has its own. */
  private static final long NOISE_STREAM = 0x6e6f697365L << 24;

  private final Scope scope;
  private final Preset preset;
  private final Device device;
  private final long seed;
  private final Parameters parameters;
  private final Objective objective;
  private final AdamW optimizer;
  private final Ema ema;
  private final NeuralAssets averaged;
  private long step;

  /** A model before its first step, computed in f32. */
  public Trainer(Preset preset, Device device, long seed) {
    this(preset, device, DType.F32, seed);
  }

  /**
   * A model before its first step.
   *
   * @param compute what the model computes in, forward and backward, f32 or bf16. Parameters, their
   *     gradients, averages, the optimiser and the loss are f32 in any case
   * @param seed of the first parameters and of the noise
   */
  public Trainer(Preset preset, Device device, DType compute, long seed) {
    this.scope = Scope.open();
    this.preset = preset;
    this.device = device;
    this.seed = seed;
    this.parameters = Parameters.create(device, DType.F32, seed);
    this.objective = new Objective(new NeuralAssets(parameters, preset, compute));
    Preset.Training t = preset.training();
    AdamW.Config config =
        new AdamW.Config(
            t.adamBeta1(), t.adamBeta2(), t.adamEpsilon(), t.weightDecay(), t.maxGradNorm());
    AdamW.Group tokens =
        new AdamW.Group(Trainer::isToken, t.tokenLearningRateFactor(), t.weightDecay());
    this.optimizer = new AdamW(parameters.trainable(), config, List.of(tokens));
    this.ema = new Ema(parameters.all(), t.emaDecay(), true);
    this.averaged = new NeuralAssets(Parameters.over(ema.tensors()), preset);
  }

  /** Whether a parameter is of the layers between image encoder and UNet. */
  private static boolean isToken(String name) {
    return !name.startsWith("unet.") && !name.startsWith("vit.");
  }

  /**
   * One step of AdamW on one batch.
   *
   * @return the loss before the step
   */
  public double step(PairBatch batch, double learningRate) {
    int side = preset.sampleSize();
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Shape images = Shape.of(batch.count(), batch.size(), batch.size(), 3);
      Tensor target = Tensor.of(device, images, batch.target());
      Shape folded = Shape.of(batch.count(), side, side, preset.sampleChannels());
      Tensor noise = RandomNormal.normal(device, folded, seed, NOISE_STREAM + step);
      Tensor loss =
          objective.loss(
              batch.conditions(), target, null, batch.timesteps(), noise, emphasis(batch));
      Gradients gradients = tape.backward(loss);
      optimizer.step(gradients, learningRate);
      ema.update();
      step++;
      return loss.item();
    }
  }

  private Tensor emphasis(PairBatch batch) {
    double weight = preset.training().objectWeight();
    if (weight == 1) {
      return null;
    }
    Shape images = Shape.of(batch.count(), batch.size(), batch.size(), 3);
    Tensor factors = Tensor.of(device, images, batch.emphasis(weight));
    return averaged.samples().toSamples(factors, null);
  }

  /** Steps done. */
  public long steps() {
    return step;
  }

  /** The preset. */
  public Preset preset() {
    return preset;
  }

  /** Number of timesteps of the diffusion. */
  public int timesteps() {
    return objective.timesteps();
  }

  /** Number of trained numbers. */
  public long parameterCount() {
    return parameters.count();
  }

  /** Norm of the last step's gradients before clipping. */
  public double gradientNorm() {
    return optimizer.gradientNorm();
  }

  /** The parameters by name. */
  public Map<String, Tensor> parameters() {
    return parameters.all();
  }

  /** The averaged parameters by name. */
  public Map<String, Tensor> averagedParameters() {
    return ema.tensors();
  }

  /** The model that computes with the averaged parameters: the one to sample from. */
  public NeuralAssets averaged() {
    return averaged;
  }

  AdamW optimizer() {
    return optimizer;
  }

  /** Goes on from tensors that were loaded. */
  void resume(long steps) {
    step = steps;
    ema.resume(steps);
  }

  /** Frees everything. */
  @Override
  public void close() {
    scope.close();
  }
}
