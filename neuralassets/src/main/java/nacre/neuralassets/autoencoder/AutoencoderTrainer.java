package nacre.neuralassets.autoencoder;

import static nacre.tensor.ops.Cast.cast;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.neuralassets.model.AutoencoderPreset.Perceptual;
import nacre.neuralassets.model.TrainingConfig;
import nacre.neuralassets.training.AveragedModel;
import nacre.neuralassets.training.StepNumbers;
import nacre.neuralassets.training.TrainedModel;
import nacre.neuralassets.training.TrainingMemory;
import nacre.nn.AdamW;
import nacre.nn.Ema;
import nacre.nn.Parameters;
import nacre.nn.vision.Lpips;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.DryRun;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.weights.WeightsException;

/**
 * An autoencoder in training: parameters, optimizer, averaged parameters. Confined to the thread
 * that created it.
 */
public final class AutoencoderTrainer implements TrainedModel<float[]> {
  /** Philox stream of the noise of step 0; each step has its own. */
  private static final long NOISE_STREAM = 0x76616520L << 24;

  private static final long VALIDATION_SEED = 0x76616c6964L;

  private final Scope scope;
  private final AutoencoderPreset preset;
  private final Device device;
  private final DType compute;
  private final long seed;
  private final Parameters parameters;
  private final Lpips lpips;
  private final AutoencoderObjective objective;
  private final AdamW optimizer;
  private final Ema ema;
  private final AveragedModel<AutoencoderKL> averaged;
  private final Tensor images;
  private final Tensor noise;
  private final CapturedStep work;
  private final float[] probe;
  private Tensor loss;
  private long step;
  private Path saved;

  /**
   * A model before its first step.
   *
   * @param compute the type of the model's activations and their gradients, f32 or bf16
   * @param seed of the first parameters and of the noise
   * @param probe images on whose latents the {@code scaling_factor} of the written model is
   *     measured, {@code [n, S, S, 3]} in [−1, 1]
   * @throws WeightsException if the network of a perceptual distance cannot be read, in one line
   */
  public AutoencoderTrainer(
      AutoencoderPreset preset, Device device, DType compute, long seed, float[] probe)
      throws WeightsException {
    this.probe = probe.clone();
    this.preset = preset;
    this.device = device;
    this.compute = compute;
    this.seed = seed;
    TrainingConfig t = preset.training();
    this.scope = Scope.open();
    try {
      this.parameters =
          Parameters.create(device, DType.F32, seed).trainedIn(t.parameters().dtype());
      Optional<Perceptual> perceptual = preset.losses().lpips();
      this.lpips = perceptual.isEmpty() ? null : perceptual.get().files().load(device);
      this.objective =
          new AutoencoderObjective(
              new AutoencoderKL(parameters, preset.vae()), preset.losses(), lpips, compute);
      this.optimizer = new AdamW(parameters.trainable(), t.optimizer(seed));
      this.ema =
          new Ema(parameters.all(), t.emaDecay(), true, t.emaOnHost() ? device.home() : device);
      this.averaged = new AveragedModel<>(ema, p -> new AutoencoderKL(p, preset.vae()));
      this.images = Tensor.empty(device, DType.F32, images(t.batchSize()));
      this.noise = Tensor.empty(device, DType.F32, latents(t.batchSize()));
      this.work = CapturedStep.of(device, this::wholeStep);
    } catch (WeightsException | RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  /**
   * What a run of a preset takes.
   *
   * @throws WeightsException as the constructor
   */
  public static TrainingMemory memory(AutoencoderPreset preset, Device device, DType compute)
      throws WeightsException {
    int frame = 3 * preset.imageSize() * preset.imageSize();
    try (AutoencoderTrainer dry =
        new AutoencoderTrainer(preset, DryRun.of(device), compute, 0, new float[frame])) {
      return TrainingMemory.of(dry, new float[frame * preset.training().batchSize()]);
    }
  }

  @Override
  public void begin(float[] frames, double learningRate) {
    images.copyFrom(frames);
    device.backend().normal(seed, NOISE_STREAM + step, noise);
    averaged.forget();
    optimizer.setLearningRate(learningRate);
    ema.begin();
    loss = work.run();
    ema.end();
    step++;
  }

  private Tape tape() {
    Tape tape = preset.training().gradientCheckpointing() ? Tape.openRecomputing() : Tape.open();
    return compute == DType.F32
        ? tape
        : tape.sharingCasts(parameters.trainable().values(), compute);
  }

  /** Forward, backward, clipping, AdamW, moving averages; the loss. */
  private Tensor wholeStep() {
    try (Scope inner = Scope.open();
        Tape tape = tape()) {
      Tensor value = objective.loss(images, noise);
      optimizer.step(tape.backward(value)::asComputed, ema);
      return inner.keep(value);
    }
  }

  @Override
  public double loss() {
    return loss.item();
  }

  @Override
  public long steps() {
    return step;
  }

  @Override
  public StepNumbers numbers() {
    return StepNumbers.of(loss, optimizer.squaredGradientNorm());
  }

  @Override
  public double gradientNorm() {
    return optimizer.gradientNorm();
  }

  @Override
  public long parameterCount() {
    return parameters.count();
  }

  @Override
  public Map<String, Tensor> parameters() {
    return parameters.all();
  }

  @Override
  public Map<String, Tensor> trainedParameters() {
    return parameters.trainable();
  }

  @Override
  public Path saved() {
    return saved;
  }

  @Override
  public void setSaved(Path checkpoint) {
    saved = checkpoint;
  }

  @Override
  public Map<String, Tensor> averagedParameters() {
    return ema.tensors();
  }

  @Override
  public AutoencoderPreset preset() {
    return preset;
  }

  @Override
  public AdamW optimizer() {
    return optimizer;
  }

  /**
   * The mean loss of the averaged parameters on frames, {@code [n, S, S, 3]}, with noise that each
   * has by its place among them.
   */
  public double averagedLoss(float[] frames) {
    AutoencoderObjective judge =
        new AutoencoderObjective(averaged.get(), preset.losses(), lpips, DType.F32);
    double[] sum = {0};
    int count =
        inParts(
            frames,
            (x, first) -> {
              Tensor noise = Tensor.empty(device, DType.F32, latents(x.dim(0)));
              for (int i = 0; i < x.dim(0); i++) {
                Tensor one = noise.rows(i, i + 1);
                device.backend().normal(VALIDATION_SEED, NOISE_STREAM + first + i, one);
              }
              sum[0] += judge.loss(x, noise).item() * x.dim(0);
            });
    return sum[0] / count;
  }

  private Shape images(int count) {
    return Shape.of(count, preset.imageSize(), preset.imageSize(), 3);
  }

  private Shape latents(int count) {
    int side = preset.imageSize() / preset.vae().downsampling();
    return Shape.of(count, side, side, preset.vae().latentChannels());
  }

  @Override
  public Set<String> writeAveraged(Path folder, Path earlier) throws IOException {
    AutoencoderFolder.write(folder, preset, ema.tensors(), scalingFactor());
    return Set.of(); // all of it is trained
  }

  @Override
  public void readAveraged(Path folder) throws IOException {
    averaged.forget();
    AutoencoderFolder.read(folder, ema.tensors());
  }

  @Override
  public void resume(long steps) {
    step = steps;
    ema.resume(steps);
  }

  /** The factor that makes the mean square of the probe's latents 1. */
  double scalingFactor() {
    float[] latents = encode(probe);
    double squares = 0;
    for (float z : latents) {
      squares += (double) z * z;
    }
    return 1 / Math.sqrt(Math.max(squares / latents.length, 1e-12));
  }

  /**
   * What the averaged model decodes from the modes of the latents of images, {@code [B, S, S, 3]}.
   */
  public float[] reconstruct(float[] frames) {
    return onFrames(frames, x -> averaged.get().decode(averaged.get().encode(x).mode()));
  }

  /** The means of the latents of images, {@code [B, s, s, c]}, not scaled. */
  public float[] encode(float[] frames) {
    return onFrames(frames, x -> averaged.get().encode(x).mode());
  }

  private float[] onFrames(float[] frames, UnaryOperator<Tensor> work) {
    List<float[]> results = new ArrayList<>();
    inParts(
        frames,
        (x, _) -> {
          Tensor result = work.apply(x);
          results.add((result.dtype() == DType.F32 ? result : cast(result, DType.F32)).toFloats());
        });
    float[] all = new float[results.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (float[] part : results) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  private interface Part {
    /**
     * Takes some frames.
     *
     * @param first the number of the first
     */
    void take(Tensor frames, int first);
  }

  /**
   * As many frames at a time as a step trains on, so that no more memory is needed; their number.
   */
  private int inParts(float[] frames, Part part) {
    int length = 3 * preset.imageSize() * preset.imageSize();
    int count = frames.length / length;
    int most = preset.training().batchSize();
    for (int from = 0; from < count; from += most) {
      int to = Math.min(from + most, count);
      try (Scope _ = Scope.open()) {
        float[] some = Arrays.copyOfRange(frames, from * length, to * length);
        part.take(Tensor.of(device, images(to - from), some), from);
      }
    }
    return count;
  }

  @Override
  public void close() {
    try (scope;
        averaged) {
      work.close();
    }
  }
}
