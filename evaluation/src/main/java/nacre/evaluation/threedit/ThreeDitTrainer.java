package nacre.evaluation.threedit;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import nacre.nn.AdamW;
import nacre.nn.Ema;
import nacre.nn.Parameters;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A {@link ThreeDit} in training: its UNet, and {@code cc_projection} at ten times the rate; the
 * encoders and the autoencoder are frozen and compute before the step. Confined to the thread that
 * created it.
 */
public final class ThreeDitTrainer implements AutoCloseable {
  private static final String STEPS = "steps";
  private static final long NOISE_STREAM = 0x336469746eL << 20;
  private static final long LATENT_STREAM = 0x336469746cL << 20;
  private static final long DROP_STREAM = 0x3364697464L << 20;
  private static final long TIME_STREAM = 0x3364697474L << 20;

  /**
   * How it is trained.
   *
   * @param batchSize pairs in a step; 1,024 as published
   * @param learningRate of the UNet; 1e-4 as published
   * @param projectionFactor times that for cc_projection; 10
   * @param warmUpSteps in which the rate rises from almost nothing; 100
   * @param dropProbability p of {@code ConditionDropout}; 0.05
   * @param emaDecay of the averages, 0 for none; 0.9999
   * @param optimizer PyTorch's defaults, without clipping
   */
  public record Settings(
      int batchSize,
      double learningRate,
      double projectionFactor,
      int warmUpSteps,
      double dropProbability,
      double emaDecay,
      AdamW.Config optimizer) {

    /** As published, with a batch of another size. */
    public static Settings published(int batchSize) {
      return new Settings(batchSize, 1e-4, 10, 100, 0.05, 0.9999, AdamW.Config.defaults());
    }

    /** The learning rate of a step, counted from 0: linear from a millionth of it. */
    public double rate(long step) {
      double share = warmUpSteps == 0 ? 1 : Math.min(1, (double) step / warmUpSteps);
      return learningRate * (1e-6 + (1 - 1e-6) * share);
    }
  }

  private final Scope scope = Scope.open();
  private final Settings settings;
  private final Device device;
  private final long seed;
  private final Parameters parameters;
  private final ThreeDit model;
  private final ThreeDitObjective objective;
  private final AdamW optimizer;
  private final Ema ema;
  private final ThreeDitObjective.Inputs inputs;
  private final CapturedStep work;
  private long step;

  /**
   * A model before its first step, {@code cc_projection} near the identity; load a checkpoint into
   * its {@link #parameters} by {@link ThreeDitFile} or {@link ThreeDitFolder}, then {@link #begin}.
   *
   * @param seed of the first parameters and of what steps draw at random
   */
  public ThreeDitTrainer(ThreeDitConfig config, Settings settings, Device device, long seed) {
    this.settings = settings;
    this.device = device;
    this.seed = seed;
    try {
      parameters = Parameters.create(device, DType.F32, seed);
      model = new ThreeDit(parameters, config);
      ThreeDit.initializeProjection(parameters);
      objective = new ThreeDitObjective(model, new ConditionDropout(settings.dropProbability));
      AdamW.Config adamW = settings.optimizer;
      optimizer =
          new AdamW(
              parameters.trainable(),
              adamW,
              List.of(projectionGroup(settings.projectionFactor, adamW)));
      ema = new Ema(parameters.all(), settings.emaDecay, true);
      int batch = settings.batchSize;
      int width = config.unet().crossAttentionDim();
      Shape latents = model.latents(batch);
      inputs =
          new ThreeDitObjective.Inputs(
              room(Shape.of(batch, config.tokens(), width)),
              room(latents),
              room(Shape.of(batch, ThreeDit.NUMBERS)),
              room(latents.with(3, 2 * latents.dim(3))),
              room(latents),
              room(Shape.of(batch)),
              Tensor.empty(device, DType.I32, Shape.of(batch)),
              room(latents));
      work = CapturedStep.of(device, this::wholeStep);
    } catch (RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  /** cc_projection, at a multiple of the learning rate. */
  static AdamW.Group projectionGroup(double factor, AdamW.Config config) {
    return new AdamW.Group(name -> name.startsWith("cc_projection."), factor, config.weightDecay());
  }

  private Tensor room(Shape shape) {
    return Tensor.empty(device, DType.F32, shape);
  }

  /** The model. */
  public ThreeDit model() {
    return model;
  }

  /** The parameters, into which a checkpoint is loaded before the first step. */
  public Parameters parameters() {
    return parameters;
  }

  /** The averages begin at parameters that were loaded. */
  public void begin() {
    ema.restart();
  }

  /** Number of steps done. */
  public long steps() {
    return step;
  }

  /**
   * One step, with noise, timesteps and drops of its own.
   *
   * @return the loss before the step
   */
  public double step(ThreeDitPairs pairs) {
    write(pairs);
    optimizer.setLearningRate(settings.rate(step));
    ema.begin();
    Tensor loss = work.run();
    ema.end();
    step++;
    return loss.item();
  }

  private void write(ThreeDitPairs pairs) {
    if (pairs.count() != settings.batchSize) {
      throw new IllegalArgumentException(
          "3DIT: a step takes "
              + settings.batchSize
              + " pairs, there are "
              + pairs.count()
              + " in the batch");
    }
    try (Scope _ = Scope.open()) {
      Tensor sources = model.pictures(pairs.sources());
      put(model.tokens(pairs.ids(device), sources), inputs.tokens());
      put(model.source(sources), inputs.source());
      Tensor targets = model.pictures(pairs.targets());
      put(model.vae().encode(targets).moments(), inputs.moments());
      inputs.numbers().copyFrom(pairs.numbers());
      device.backend().normal(seed, NOISE_STREAM + step, inputs.noise());
      device.backend().normal(seed, LATENT_STREAM + step, inputs.latentNoise());
      device.backend().uniform(seed, DROP_STREAM + step, inputs.drawn());
      Tensor times = inputs.drawn().like();
      device.backend().uniform(seed, TIME_STREAM + step, times);
      float[] uniform = times.toFloats();
      int[] timesteps = new int[uniform.length];
      for (int i = 0; i < timesteps.length; i++) {
        timesteps[i] =
            Math.min((int) (uniform[i] * objective.timesteps()), objective.timesteps() - 1);
      }
      objective.write(timesteps, inputs.timesteps());
    }
  }

  private void put(Tensor computed, Tensor into) {
    device.backend().cast(computed, into);
  }

  private Tensor wholeStep() {
    try (Scope inner = Scope.open();
        Tape tape = Tape.open()) {
      Tensor loss = objective.loss(inputs);
      optimizer.step(tape.backward(loss)::of, ema);
      return inner.keep(loss);
    }
  }

  /** The averaged parameters by name, and those that are not trained. */
  public Map<String, Tensor> averagedParameters() {
    return ema.tensors();
  }

  /**
   * Writes the model with the averaged parameters.
   *
   * @param folder exists
   * @throws IOException in one line, if a file cannot be written
   */
  public void save(Path folder) throws IOException {
    ThreeDitFolder.save(folder, ema.tensors(), model.config());
  }

  /**
   * Reads a model that {@link #save} wrote, or one of Zero-1-to-3, and begins with it.
   *
   * @throws WeightsException in one line, if a file is missing or malformed, or does not fit
   */
  public void begin(Path folder) throws WeightsException {
    ThreeDitFolder.load(folder, parameters, model.config());
    begin();
  }

  /**
   * Writes what a run needs to go on as if it had never stopped: what is trained, the averages, the
   * optimizer's state and the number of steps. What is not trained is not written.
   *
   * @param file written to the side and renamed
   * @throws IOException in one line, if it cannot be written
   */
  public void saveState(Path file) throws IOException {
    new SafeTensorsWriter().addParameters(state()).metadata(STEPS, Long.toString(step)).write(file);
  }

  /**
   * Goes on from what {@link #saveState} wrote, with the weights that are not trained already
   * loaded.
   *
   * @throws WeightsException in one line, if the file is missing or malformed, or of another model
   */
  public void resume(Path file) throws WeightsException {
    try (StateDict saved = StateDict.open(file)) {
      String steps = saved.metadata().getOrDefault(STEPS, "");
      if (!steps.matches("\\d{1,15}")) {
        throw new WeightsException(file, "is no state of a run of 3DIT: it does not say its steps");
      }
      saved.loadInto(state());
      step = Long.parseLong(steps);
      ema.resume(step);
    }
  }

  private Map<String, Tensor> state() {
    Map<String, Tensor> state = new TreeMap<>();
    parameters
        .trainable()
        .forEach(
            (name, parameter) -> {
              state.put("parameters." + name, parameter);
              Tensor average = ema.tensors().get(name);
              if (average != parameter) {
                state.put("averages." + name, average);
              }
            });
    optimizer.state().forEach((name, tensor) -> state.put("optimizer." + name, tensor));
    return state;
  }

  @Override
  public void close() {
    work.close();
    scope.close();
  }
}
