package nacre.neuralassets.training;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.encoder.PretrainedEncoder;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PretrainedAutoencoder;
import nacre.neuralassets.model.PretrainedBase;
import nacre.neuralassets.model.TrainingConfig;
import nacre.nn.AccumulatedGradients;
import nacre.nn.AdamW;
import nacre.nn.Ema;
import nacre.nn.Optimizer;
import nacre.nn.Parameters;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Collectives;
import nacre.weights.WeightsException;

/**
 * A model in training: parameters, optimizer, averaged parameters. Confined to the thread that
 * created it.
 */
public final class Trainer implements TrainedModel<PairBatch> {
  private static final long VALIDATION_SEED = 0x76616c6964L;

  private final Scope scope;
  private final Preset preset;
  private final Device device;
  private final DType compute;
  private final long seed;
  private final int rank;
  private final int ranks;
  private final Parameters parameters;
  private final NeuralAssets model;
  private final Objective objective;
  private final TargetEncoder encoder;
  private final Learner learner;
  private final Ema ema;
  private final AveragedModel<NeuralAssets> averaged;
  private final AccumulatedGradients sums;
  private final List<Tensor> prepacked;
  private StepInputs inputs;
  private StepWork work;
  private Tensor loss;
  private long step;
  private Path saved;

  /** A model before its first step, computed in f32. */
  public Trainer(Preset preset, Device device, long seed) {
    this(preset, device, DType.F32, seed);
  }

  /**
   * A model before its first step.
   *
   * @param compute the type of the model's activations and their gradients, f32 or bf16. Averages
   *     and the loss are f32 in any case; parameters and the optimizer's moments are what the
   *     preset says
   * @param seed of the first parameters and of the noise
   */
  public Trainer(Preset preset, Device device, DType compute, long seed) {
    this(preset, device, compute, seed, null);
  }

  /**
   * A model before its first step, which several ranks train together: each on its share of a
   * batch, in the order of ranks and as large as the others'. What they come to is what one process
   * would on the whole batch, up to rounding, and the same bits on all of them.
   *
   * @param ranks what exchanges gradients between them, on this device; left open. Null for a
   *     process alone
   */
  public Trainer(Preset preset, Device device, DType compute, long seed, Collectives ranks) {
    this.preset = preset;
    this.device = device;
    this.compute = compute;
    this.seed = seed;
    this.rank = ranks == null ? 0 : ranks.rank();
    this.ranks = ranks == null ? 1 : ranks.ranks();
    TrainingConfig t = preset.training();
    this.scope = Scope.open();
    try {
      this.parameters =
          Parameters.create(device, DType.F32, seed).trainedIn(t.parameters().dtype());
      this.model = new NeuralAssets(parameters, preset, compute);
      this.objective = new Objective(model);
      this.encoder = new TargetEncoder(model, Math.max(1, t.microBatchSize() / this.ranks));
      List<AdamW.Group> groups = preset.trainable().groups(t.weightDecay());
      this.learner = new Learner(parameters.trainable(), t, groups, seed, ranks);
      this.ema =
          new Ema(parameters.all(), t.emaDecay(), true, t.emaOnHost() ? device.home() : device);
      this.averaged = new AveragedModel<>(ema, p -> new NeuralAssets(p, preset));
      int parts = t.gradientAccumulationSteps();
      this.sums = parts == 1 ? null : new AccumulatedGradients(parameters.trainable(), parts);
      this.prepacked =
          parameters.all().values().stream()
              .filter(p -> t.prepackFrozen() && Parameters.isFrozenConvolution(p))
              .toList();
    } catch (RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  /**
   * Begins with the weights of a pretrained image encoder, before the first step.
   *
   * @throws WeightsException in one line, if they are missing or do not fit; nothing is written
   *     then
   */
  public void begin(PretrainedEncoder encoder) throws WeightsException {
    requireUnbegun();
    encoder.load(preset.imageEncoder(), parameters);
    model.clearPositions();
    restartAverages();
  }

  /**
   * Begins with the weights of a pretrained UNet and autoencoder, before the first step.
   *
   * @throws WeightsException in one line, if they are missing or do not fit
   */
  public void begin(PretrainedBase base) throws WeightsException {
    requireUnbegun();
    base.load(preset, parameters);
    restartAverages();
  }

  /**
   * Begins with the weights of a pretrained autoencoder, before the first step.
   *
   * @throws WeightsException in one line, if they are missing or do not fit
   */
  public void begin(PretrainedAutoencoder autoencoder) throws WeightsException {
    requireUnbegun();
    autoencoder.load(preset, parameters);
    restartAverages();
  }

  private void restartAverages() {
    averaged.forget();
    ema.restart();
  }

  private void requireUnbegun() {
    if (step > 0) {
      throw new IllegalStateException(
          String.format(Locale.ROOT, "training began %d steps ago", step));
    }
    saved = null;
  }

  /**
   * One step of AdamW on one batch, or, of several ranks, on this one's share of it.
   *
   * @return the loss before the step
   */
  public double step(PairBatch batch, double learningRate) {
    begin(batch, learningRate);
    return loss();
  }

  /**
   * As long as batches have the same extents the step is {@linkplain CapturedStep captured}.
   *
   * @throws IllegalArgumentException if the batch cannot be cut into the micro-batches of a step
   */
  @Override
  public void begin(PairBatch batch, double learningRate) {
    int each = batch.count() / parts();
    if (each * parts() != batch.count()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d pairs cannot be computed in %d equal micro-batches",
              batch.count(),
              parts()));
    }
    if (inputs == null || !inputs.fits(batch, each)) {
      makeReady(batch, each);
    }
    averaged.forget();
    prepacked.forEach(Tensor::prepack); // again after a checkpoint, which reads their addresses
    learner.optimizer().setLearningRate(learningRate);
    ema.begin();
    loss =
        work.run(
            part -> {
              inputs.write(batch, part * each, model, encoder, objective);
              int from = rank * batch.count() + part * each;
              inputs.draw(seed, step, from, ranks * batch.count());
            });
    ema.end();
    step++;
  }

  private int parts() {
    return preset.training().gradientAccumulationSteps();
  }

  /** Of several ranks, the mean over this one's share of the batch. */
  @Override
  public double loss() {
    return loss.item();
  }

  /**
   * The loss of the averaged parameters on a batch, with noise that is the same for every model.
   * Nothing is trained.
   *
   * @param number of the batch, which chooses its noise
   */
  double averagedLoss(PairBatch batch, int number) {
    int most = preset.training().microBatchSize();
    try (Scope _ = Scope.open()) {
      NeuralAssets judged = averaged();
      Objective judge = new Objective(judged);
      double sum = 0;
      for (int from = 0; from < batch.count(); from += most) {
        int count = Math.min(most, batch.count() - from);
        try (Scope _ = Scope.open()) {
          StepInputs fixed = StepInputs.like(batch, count, judged);
          fixed.write(batch, from, judged, encoder, judge);
          fixed.draw(VALIDATION_SEED, number, from, batch.count());
          sum += judge.loss(fixed).item() * count;
        }
      }
      return sum / batch.count();
    }
  }

  private void makeReady(PairBatch batch, int each) {
    forgetStep();
    work = new StepWork(device, new Work(), parts(), sums);
    try (Scope _ = Scope.open()) {
      StepInputs made = StepInputs.like(batch, each, model);
      made.tensors().forEach(scope::adopt);
      inputs = made;
    }
  }

  private void forgetStep() {
    if (work != null) {
      work.close();
      work = null;
    }
    if (inputs != null) {
      inputs.tensors().forEach(Tensor::close);
      inputs = null;
    }
  }

  /** Forward, backward, clipping, AdamW, moving averages; the loss. */
  private final class Work implements StepWork.Parts {
    @Override
    public Tape tape() {
      Tape tape = preset.training().gradientCheckpointing() ? Tape.openRecomputing() : Tape.open();
      return compute == DType.F32
          ? tape
          : tape.sharingCasts(parameters.trainable().values(), compute);
    }

    @Override
    public Tensor loss() {
      return objective.loss(inputs);
    }

    @Override
    public void update(Learner.Backward backward) {
      learner.step(backward, ema);
    }
  }

  @Override
  public long steps() {
    return step;
  }

  @Override
  public Preset preset() {
    return preset;
  }

  /** Number of timesteps of the diffusion. */
  public int timesteps() {
    return objective.timesteps();
  }

  @Override
  public long parameterCount() {
    return parameters.count();
  }

  @Override
  public Map<String, Tensor> trainedParameters() {
    return parameters.trainable();
  }

  @Override
  public StepNumbers numbers() {
    return StepNumbers.of(loss, learner.squaredGradientNorm());
  }

  @Override
  public double gradientNorm() {
    return learner.gradientNorm();
  }

  @Override
  public Map<String, Tensor> parameters() {
    return parameters.all();
  }

  @Override
  public Map<String, Tensor> averagedParameters() {
    return ema.tensors();
  }

  /**
   * The model with the averaged parameters, from which to sample, until the next step: copies of
   * averages that are held on the host are freed then.
   */
  public NeuralAssets averaged() {
    return averaged.get();
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
  public long gradientBytes() {
    long own =
        sums != null
            ? trainedParameters().values().stream().mapToLong(p -> Float.BYTES * p.elements()).sum()
            : learner.exchanges() ? 0 : TrainedModel.super.gradientBytes();
    return own + learner.exchangeBytes();
  }

  /** The noise of the last step. */
  Tensor noise() {
    return inputs.noise();
  }

  @Override
  public Optimizer optimizer() {
    return learner.optimizer();
  }

  @Override
  public Set<String> writeAveraged(Path folder, Path earlier) throws IOException {
    return ModelFolder.write(folder, preset, averagedParameters(), earlier);
  }

  @Override
  public void readAveraged(Path folder) throws IOException {
    averaged.forget();
    ModelFolder.read(folder, preset, averagedParameters());
  }

  @Override
  public void resume(long steps) {
    step = steps;
    ema.resume(steps);
  }

  @Override
  public void close() {
    try (scope;
        encoder;
        averaged) {
      forgetStep();
    }
  }
}
