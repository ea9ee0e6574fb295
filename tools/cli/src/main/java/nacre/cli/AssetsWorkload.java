package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import nacre.cli.ranks.Ranks;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.encoder.PretrainedEncoder;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PretrainedAutoencoder;
import nacre.neuralassets.model.PretrainedBase;
import nacre.neuralassets.model.TrainingConfig;
import nacre.neuralassets.training.Trainer;
import nacre.neuralassets.training.TrainingMemory;
import nacre.neuralassets.training.Validation;
import nacre.nn.LoraConfig;
import nacre.tensor.Tensor;

/** The training of a model of Neural Assets on pairs of frames. */
final class AssetsWorkload implements Workload<PairBatch> {
  private final TrainingRun.Request request;
  private final Preset preset;
  private final RunData data;
  private final Trainer trainer;
  private final RunResults results;
  private final PrintStream out;
  private final BooleanSupplier stop;
  private LatentCaching latents = new LatentCaching(null);
  private PairSampler sampler;
  private Validation validation;
  private Prefetch<PairBatch> prefetch;

  AssetsWorkload(TrainingRun.Request request, Preset preset, PrintStream out, BooleanSupplier stop)
      throws IOException {
    this.request = request;
    this.preset = preset;
    this.out = out;
    this.stop = stop;
    data = RunData.of(request, out);
    LatentCaching.requireFinite(request.latents(), data.source());
    results = new RunResults(request, preset, data, out, stop);
    Ranks ranks = request.ranks();
    preset.training().requireParts(ranks.ranks());
    new MemoryCheck(request)
        .run(
            TrainingMemory.of(
                preset, request.device(), request.compute(), data.config().slots(), ranks.ranks()),
            out);
    trainer =
        new Trainer(
            preset,
            request.device(),
            request.compute(),
            request.seed(),
            ranks.collectives(request.device()));
  }

  @Override
  public Trainer model() {
    return trainer;
  }

  @Override
  public RunData data() {
    return data;
  }

  @Override
  public String unit() {
    return "pairs";
  }

  private String describe(LoraConfig lora) {
    Map<String, Tensor> adapters = new LinkedHashMap<>(trainer.trainedParameters());
    adapters.keySet().removeIf(name -> !LoraConfig.isFactor(name));
    return String.format(
        Locale.ROOT,
        "lora    rank %d, alpha %s, %,d parameters beside %d layers of the UNet, which is frozen",
        lora.rank(),
        lora.alpha(),
        adapters.values().stream().mapToLong(Tensor::elements).sum(),
        adapters.size() / 2);
  }

  @Override
  public List<String> begin() throws IOException {
    List<String> lines = new ArrayList<>();
    Optional<PretrainedBase.Location> base = preset.base();
    if (base.isPresent()) {
      PretrainedBase pretrained = PretrainedBase.open(base.get());
      trainer.begin(pretrained);
      lines.add(
          String.format(Locale.ROOT, "base    %s, %s", pretrained.path(), pretrained.describe()));
    }
    preset.lora().ifPresent(lora -> lines.add(describe(lora)));
    if (preset.vaeFrom().isPresent()) {
      PretrainedAutoencoder pretrained = PretrainedAutoencoder.open(preset.vaeFrom().get());
      trainer.begin(pretrained);
      lines.add("vae     " + pretrained.place());
    }
    Optional<Path> encoder = preset.imageEncoderFrom();
    if (encoder.isPresent()) {
      PretrainedEncoder pretrained = PretrainedEncoder.open(encoder.get());
      trainer.begin(pretrained);
      lines.add(
          String.format(
              Locale.ROOT,
              "encoder %s, %s",
              pretrained.folder(),
              pretrained.config().family().modelType()));
    }
    lines.add("trained " + TrainedGroups.describe(trainer));
    return lines;
  }

  @Override
  public boolean prepare(long steps) throws IOException {
    latents = LatentCaching.open(request.latents(), trainer, out);
    if (!latents.fill(data, trainer, out, stop, request.ranks())) {
      return false;
    }
    TrainingConfig training = preset.training();
    var diffusion =
        new PairSampler.Diffusion(
            training.dropProbability(), trainer.timesteps(), training.timestepPower());
    sampler =
        new PairSampler(
            data.pool(),
            data.config(),
            diffusion,
            request.seed(),
            preset.imageSize(),
            preset.seesSource() ? latents.frames().withSources() : latents.frames());
    data.pool().divide(request.ranks().rendezvous());
    data.pool().prepare(steps);
    if (data.split().heldOut().size() > 0) {
      validation =
          new Validation(
              data.heldOut(preset.imageSize()),
              data.config(),
              preset,
              trainer.timesteps(),
              latents.frames());
    }
    if (!data.pool().isEndless()) {
      prefetch = new Prefetch<>(this::make, request.reading().readers());
    }
    return true;
  }

  @Override
  public PairBatch batch(long step) {
    return prefetch == null ? make(step) : prefetch.batch(step);
  }

  private PairBatch make(long step) {
    return sampler.batch(step, preset.training().batchSize(), request.ranks().share());
  }

  @Override
  public OptionalDouble validate() {
    return validation == null
        ? OptionalDouble.empty()
        : OptionalDouble.of(validation.loss(trainer, request.ranks().rendezvous()));
  }

  @Override
  public void sheet(RunLog log) throws IOException {
    results.sheet(trainer, log);
  }

  /**
   * A picture costs a forward pass a sampling step, about a third of a training step's work, and
   * twice that with guidance.
   */
  @Override
  public double concludingSeconds(double secondsPerStep) {
    Preset.Sampling sampling = preset.sampling();
    double forward = secondsPerStep / 3 / preset.training().batchSize();
    double guided = sampling.guidanceScale() == 1 ? 1 : 2;
    double pictures = 2.0 * request.evaluationPairs();
    return pictures * sampling.numInferenceSteps() * guided * forward;
  }

  @Override
  public boolean conclude(RunLog log, boolean changed) throws IOException {
    return results.conclude(trainer, log, changed);
  }

  @Override
  public void close() {
    if (prefetch != null) {
      prefetch.close();
    }
    latents.close();
    trainer.close();
  }
}
