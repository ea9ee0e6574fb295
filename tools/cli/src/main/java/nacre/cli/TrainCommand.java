package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.options.DTypeOption;
import nacre.cli.options.DataName;
import nacre.cli.options.DeviceChoice;
import nacre.cli.options.PresetName;
import nacre.cli.options.Seed;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.cli.ranks.Ranks;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.encoder.PretrainedEncoder;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PresetFile;
import nacre.neuralassets.model.PretrainedBase;
import nacre.neuralassets.model.TrainingPreset;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.RunState;
import nacre.tensor.DType;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code nacre train}. */
@Command(
    name = "train",
    description = "Train a model, from nothing or from where an earlier start of the run ended.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainCommand implements Callable<Integer>, ManyProcesses {
  /** The exit status of a program that Ctrl-C ended, as shells report it. */
  static final int INTERRUPTED = 130;

  private static final String DEFAULT_PRESET = "demo";

  @Spec private CommandSpec spec;

  @Option(
      names = "--preset",
      paramLabel = "NAME|FILE",
      description = "What to train: demo (the default), another built-in preset, or a JSON file.")
  private String preset;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      description = "The run's folder; runs/ and the preset's name unless given.")
  private Path folder;

  @Option(names = "--resume", description = "Resume from the newest checkpoint in the folder.")
  private boolean resume;

  @Option(
      names = "--checkpoint",
      paramLabel = "NAME",
      description =
          "With --resume: the checkpoint to resume from, by its name or step, instead of the"
              + " newest; newer ones are kept under another name.")
  private String checkpoint;

  @Option(names = "--fresh", description = "Start over; an earlier run is moved aside.")
  private boolean fresh;

  @ArgGroup private Length length;

  /** At most one of the two. */
  static final class Length {
    @Option(
        names = "--steps",
        paramLabel = "N",
        description =
            "Length of the run in steps; the preset's unless given. With --resume a run may be made"
                + " longer.")
    @Accepts(from = 1, to = 1e9)
    private Long steps;

    @Option(
        names = "--minutes",
        paramLabel = "M",
        description = "Length of the run in time; its number of steps is fixed when the pace is.")
    @Accepts(above = 0, to = 1e7)
    private Double minutes;
  }

  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = Seed.Converter.class,
      description = "Seed of parameters, scenes and noise; 0 unless given.")
  private Seed seed;

  @Option(
      names = "--data",
      paramLabel = "[NAME:]FOLDER",
      description =
          "Train on this data set instead of rendered scenes: a folder of scene folders, or another"
              + " kind by its name.")
  private String data;

  @Option(
      names = "--image-encoder",
      paramLabel = "FOLDER",
      description =
          "Begin with the image encoder in a folder of transformers or timm instead of the"
              + " preset's: DINO, ViT, DINOv2, MAE or CLIP.")
  private Path imageEncoder;

  @Mixin private BaseOptions baseOptions;

  @Option(
      names = "--cache-latents",
      paramLabel = "FOLDER",
      description =
          "Encode every frame of --data once, before the first step, and keep what comes out in"
              + " this folder; several runs may share it.")
  private Path latents;

  @Mixin private Reading reading;

  @Mixin private DeviceChoice device;

  @Option(
      names = "--dtype",
      paramLabel = "DTYPE",
      converter = DTypeOption.class,
      description =
          "Type to compute in: float32 (the default), or bfloat16; parameters stay in float32.")
  private DType dtype;

  @Option(
      names = "--checkpoint-minutes",
      paramLabel = "M",
      defaultValue = "5",
      description = "Time between checkpoints; 5 unless given.")
  @Accepts(above = 0, to = 1e7)
  private double checkpointMinutes;

  @Option(
      names = "--eval-pairs",
      paramLabel = "N",
      defaultValue = "200",
      description =
          "Held-out pairs to evaluate at the end (for an autoencoder, frames), 0 for none; 200"
              + " unless given.")
  @Accepts(from = 0, to = 100_000)
  private int evaluationPairs;

  @Option(
      names = "--sheet",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Draw sheets of samples while training; yes unless given.")
  private boolean sheet;

  @Override
  public Integer call() throws IOException {
    PrintStream out = System.out;
    TrainingRun.Request request = request(out);
    try (StopSignal stop = new StopSignal()) {
      boolean finished = new TrainingRun(request, out, stop::requested).run();
      if (!finished) {
        out.println(
            "stopped; go on with: "
                + ResumeHint.command(request.folder(), spec.commandLine().getParseResult()));
        out.flush();
        return INTERRUPTED;
      }
    } finally {
      device.explain(out::println);
    }
    return 0;
  }

  private TrainingRun.Request request(PrintStream out) throws IOException {
    if (resume && fresh) {
      throw new UsageException("--resume and --fresh exclude each other");
    }
    if (checkpoint != null && !resume) {
      throw new UsageException("--checkpoint says what to resume from; it goes with --resume");
    }
    String name = preset == null ? DEFAULT_PRESET : preset;
    RunFolder run = new RunFolder(folder != null ? folder : Path.of("runs").resolve(stem(name)));
    if (resume) {
      if (run.newest().isEmpty()) {
        throw new UserException(NearRuns.nothingToResume(run));
      }
      return resumed(run, out);
    }
    TrainingPreset wanted = wanted(PresetName.file(name));
    if (wanted instanceof Preset draws
        && draws.vae().isPresent()
        && draws.base().isEmpty()
        && draws.vaeFrom().isEmpty()) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "preset %s draws latents of an autoencoder, which must be trained already: name"
                  + " Stable Diffusion 1.x or 2.x with --base, or take a preset that draws pixels,"
                  + " such as demo",
              wanted.name()));
    }
    if (wanted instanceof Preset draws && draws.lora().isPresent() && draws.base().isEmpty()) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "preset %s has no trained UNet that LoRA could adapt: name Stable Diffusion 1.x or"
                  + " 2.x with --base",
              wanted.name()));
    }
    return new TrainingRun.Request(
        run,
        wanted,
        device.device(),
        dtype == null ? DType.F32 : dtype,
        seed == null ? 0 : seed.bits(),
        length(wanted),
        every(),
        data(data),
        pairs(wanted),
        sheet,
        latents(wanted),
        reading,
        fresh,
        null,
        Ranks.current());
  }

  /** The preset of a file, with the pretrained models that the command line names. */
  private TrainingPreset wanted(PresetFile file) throws IOException {
    Optional<PretrainedBase.Location> from = baseOptions.location();
    if (from.isPresent()) {
      file = file.with(PretrainedBase.open(from.get()));
    }
    if (imageEncoder != null) {
      file = file.with(PretrainedEncoder.open(imageEncoder));
    }
    if (baseOptions.lora().isPresent()) {
      file = file.withLora(baseOptions.lora().get());
    }
    return file.trained();
  }

  private TrainingRun.Request resumed(RunFolder run, PrintStream out) throws IOException {
    Ranks ranks = Ranks.current();
    if (ranks.isFirst()) {
      RunLock.take(run).close(); // a live run replaces its checkpoints meanwhile
    }
    String newest = ranks.ofFirst(ranks.isFirst() ? run.newest().orElseThrow().name() : null);
    Checkpoint from = run.checkpoint(checkpoint == null ? newest : checkpoint);
    RunState state;
    TrainingPreset trained;
    try {
      if (!from.verifySettings()) {
        out.println(
            "note    "
                + from.folder()
                + ": an earlier version wrote it, without digests; it cannot be"
                + " checked for damage");
      }
      state = from.state();
      trained = from.preset();
    } catch (IOException e) {
      throw run.unreadable(from, e);
    }
    ClipLocation began = data(state.data().isEmpty() ? null : state.data());
    new BegunRun(trained).requirePreset(preset, baseOptions, imageEncoder);
    BegunRun.require("--seed", seed == null ? null : seed.bits(), state.seed());
    BegunRun.require("--dtype", dtype, state.compute());
    BegunRun.require("--data", data == null ? null : data(data).toString(), began.toString());
    BegunRun.require("--minutes", length == null ? null : length.minutes, state.minutes());
    return new TrainingRun.Request(
        run,
        trained,
        device.device(),
        state.compute(),
        state.seed(),
        rest(state, trained, out),
        every(),
        began,
        pairs(trained),
        sheet,
        latents(trained),
        reading,
        false,
        from,
        ranks);
  }

  /** The number of pairs; complains in one line where they could not be evaluated. */
  private int pairs(TrainingPreset trained) {
    if (trained instanceof Preset) {
      if (evaluationPairs == 1) {
        throw new UsageException("--eval-pairs is 1, must be 0 or more than 1");
      }
      EvalCommand.requireRoom("--eval-pairs", evaluationPairs, trained.imageSize());
    }
    return evaluationPairs;
  }

  /** The folder of the cache; complains in one line where there are no latents. */
  private Path latents(TrainingPreset trained) {
    if (latents != null && !(trained instanceof Preset draws && draws.vae().isPresent())) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "--cache-latents: preset %s draws no latents that could be kept; leave it out",
              trained.name()));
    }
    return latents;
  }

  /** The length of a resumed run, which {@code --steps} may extend. */
  private RunLength rest(RunState state, TrainingPreset trained, PrintStream out) {
    long total = state.totalSteps();
    if (length == null || length.steps == null || length.steps == total) {
      return state.minutes() > 0
          ? new RunLength.Minutes(state.minutes())
          : new RunLength.Steps(total);
    }
    long wanted = length.steps;
    if (wanted < Math.max(total, state.step())) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "--steps %d is less than the %d steps of the run; it can be made longer, not shorter",
              wanted,
              Math.max(total, state.step())));
    }
    out.println("extend  " + RunLength.extension(trained.training(), state.step(), total, wanted));
    return new RunLength.Steps(wanted);
  }

  /** The data set of a location, rendered scenes by default. */
  private static ClipLocation data(String name) {
    return name == null ? ClipLocation.rendered() : DataName.parse(name);
  }

  private Duration every() {
    return Duration.ofMillis((long) (checkpointMinutes * 60e3));
  }

  private RunLength length(TrainingPreset wanted) {
    if (length != null && length.minutes != null) {
      return new RunLength.Minutes(length.minutes);
    }
    return new RunLength.Steps(
        length != null && length.steps != null ? length.steps : wanted.training().steps());
  }

  /** The name of a preset's run: that of a file without its extension. */
  private static String stem(String name) {
    String file = Path.of(name).getFileName().toString();
    return file.endsWith(".json") ? file.substring(0, file.length() - 5) : file;
  }
}
