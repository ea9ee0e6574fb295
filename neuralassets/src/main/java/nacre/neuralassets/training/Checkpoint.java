package nacre.neuralassets.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import nacre.neuralassets.model.Preset;
import nacre.weights.AtomicFile;
import nacre.weights.AtomicFolder;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;

/**
 * A checkpoint: everything that a run needs to resume exactly, in one folder that is either
 * complete or does not exist: {@code ema}, a model folder with the averaged parameters; {@code
 * parameters.safetensors}; {@code optimizer.safetensors}; {@code state.json}. The name contains the
 * step, so that the newest is found without a separate pointer.
 *
 * @param folder the checkpoint itself, {@code step-000001500}
 */
public record Checkpoint(Path folder) {
  private static final Pattern NAME = Pattern.compile("step-\\d{9,}");
  private static final String EMA = "ema";
  private static final String PARAMETERS = "parameters.safetensors";
  private static final String OPTIMIZER = "optimizer.safetensors";
  private static final String STATE = "state.json";

  /**
   * Writes a checkpoint.
   *
   * @param checkpoints the run's folder of checkpoints, made where missing
   * @return the checkpoint, or the one that stands there already for this step
   * @throws IOException in one line; nothing is left behind then
   */
  public static Checkpoint write(Path checkpoints, Trainer trainer, RunState state)
      throws IOException {
    Files.createDirectories(checkpoints);
    String name = String.format(Locale.ROOT, "step-%09d", state.step());
    Path target = checkpoints.resolve(name);
    if (Files.exists(target)) {
      // It has the same step, so it is the same except perhaps for the length of the run.
      AtomicFile.write(target.resolve(STATE), out -> out.write(state.toJson()));
      return new Checkpoint(target);
    }
    AtomicFolder.write(
        target,
        folder -> {
          Path ema = Files.createDirectory(folder.resolve(EMA));
          ModelFolder.write(ema, trainer.preset(), trainer.averagedParameters());
          new SafeTensorsWriter()
              .addParameters(trainer.parameters())
              .write(folder.resolve(PARAMETERS));
          new SafeTensorsWriter()
              .addParameters(trainer.optimizer().state())
              .write(folder.resolve(OPTIMIZER));
          Files.write(folder.resolve(STATE), state.toJson());
        });
    return new Checkpoint(target);
  }

  /** The checkpoints in a folder, oldest first; none if there is no such folder. */
  public static List<Checkpoint> list(Path checkpoints) throws IOException {
    if (!Files.isDirectory(checkpoints)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(checkpoints)) {
      return entries
          .filter(entry -> NAME.matcher(entry.getFileName().toString()).matches())
          .sorted(Comparator.comparingLong(Checkpoint::step))
          .map(Checkpoint::new)
          .toList();
    }
  }

  private static long step(Path folder) {
    return Long.parseLong(folder.getFileName().toString().substring("step-".length()));
  }

  /** The newest checkpoint in a folder. */
  public static Optional<Checkpoint> newest(Path checkpoints) throws IOException {
    return list(checkpoints).stream().reduce((older, newer) -> newer);
  }

  /** Deletes all but the newest {@code keep} checkpoints. */
  public static void prune(Path checkpoints, int keep) throws IOException {
    List<Checkpoint> all = list(checkpoints);
    for (Checkpoint old : all.subList(0, Math.max(0, all.size() - keep))) {
      AtomicFolder.delete(old.folder);
    }
  }

  /** Whether a folder is a checkpoint. */
  public static boolean is(Path folder) {
    return Files.isRegularFile(folder.resolve(STATE)) && ModelFolder.is(folder.resolve(EMA));
  }

  /** The model with the averaged parameters. */
  public Path model() {
    return folder.resolve(EMA);
  }

  /** The state of the run. */
  public RunState state() throws IOException {
    return RunState.read(folder.resolve(STATE));
  }

  /** The preset of the run. */
  public Preset preset() throws IOException {
    return ModelFolder.preset(model());
  }

  /**
   * Restores the state of the run into a trainer of the same preset.
   *
   * @throws IOException in one line, if a file is missing, damaged or of another model
   */
  public void restore(Trainer trainer) throws IOException {
    RunState state = state();
    try (StateDict saved = StateDict.open(folder.resolve(PARAMETERS))) {
      saved.loadInto(trainer.parameters());
    }
    ModelFolder.read(model(), trainer.preset(), trainer.averagedParameters());
    try (StateDict saved = StateDict.open(folder.resolve(OPTIMIZER))) {
      trainer.optimizer().load(saved);
    }
    trainer.resume(state.step());
  }
}
