package nacre.neuralassets.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.neuralassets.model.TrainingPreset;
import nacre.tensor.spi.Rendezvous;
import nacre.weights.AtomicFile;
import nacre.weights.AtomicFolder;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.Sha256;
import nacre.weights.StateDict;

/**
 * A checkpoint: everything that a run needs to resume exactly, in one folder that is either
 * complete or does not exist: {@code ema}, a model folder with the averaged parameters; {@code
 * parameters.safetensors}, those that are trained; {@code optimizer.safetensors}, or shards of it
 * with an index where several ranks wrote it; {@code state.json}; and {@code SHA256SUMS}, the
 * digests of all of them, by which a damaged file is found. The name contains the step, so that the
 * newest is found without a separate pointer.
 *
 * @param folder the checkpoint itself, {@code step-000001500}
 */
public record Checkpoint(Path folder) {
  private static final Pattern NAME = Pattern.compile("step-\\d{9,18}");
  private static final String EMA = "ema";
  private static final String PARAMETERS = "parameters.safetensors";
  private static final String OPTIMIZER = "optimizer";
  private static final String STATE = "state.json";

  /**
   * Writes a checkpoint.
   *
   * @param checkpoints the run's folder of checkpoints, made where missing
   * @return the checkpoint, or the one that stands there already for this step
   * @throws IOException in one line; nothing is left behind then
   */
  public static Checkpoint write(Path checkpoints, TrainedModel<?> trained, RunState state)
      throws IOException {
    return write(checkpoints, trained, state, Rendezvous.ALONE);
  }

  /**
   * Writes a checkpoint of a model that several ranks train, which all of them call. The first
   * writes it, but for the optimizer's state, which the others write in pieces.
   *
   * @param checkpoints a folder on a file system that the ranks share
   * @return the checkpoint, on every rank when it stands there
   * @throws IOException in one line, on every rank, if one of them cannot write; nothing is left
   *     behind then
   */
  public static Checkpoint write(
      Path checkpoints, TrainedModel<?> trained, RunState state, Rendezvous ranks)
      throws IOException {
    Path target = checkpoints.resolve(name(state.step()));
    OptimizerPieces pieces = new OptimizerPieces(ranks);
    boolean isFirst = ranks.rank() == 0;
    Agreed.upon(
        ranks,
        () -> {
          if (!isFirst) {
            pieces.help(trained.optimizer());
          } else if (Files.exists(target)) {
            pieces.none();
            // It has the same step, so it is the same except perhaps for the length of the run.
            rewrite(target, state);
          } else {
            write(target, trained, state, pieces);
          }
        });
    trained.setSaved(target);
    return new Checkpoint(target);
  }

  private static String name(long step) {
    return String.format(Locale.ROOT, "step-%09d", step);
  }

  private static void write(
      Path target, TrainedModel<?> trained, RunState state, OptimizerPieces pieces)
      throws IOException {
    boolean[] isTold = {false};
    try {
      Files.createDirectories(target.getParent());
      AtomicFolder.write(
          target,
          folder -> {
            Path ema = Files.createDirectory(folder.resolve(EMA));
            Path earlier = trained.saved();
            Set<String> linked = new HashSet<>();
            isTold[0] = true;
            pieces.write(
                folder,
                trained.optimizer(),
                () -> {
                  linked.addAll(
                      trained.writeAveraged(ema, earlier == null ? null : earlier.resolve(EMA)));
                  new SafeTensorsWriter()
                      .addParameters(trained.trainedParameters())
                      .write(folder.resolve(PARAMETERS));
                });
            Files.write(folder.resolve(STATE), state.toJson());
            checksums(folder, linked, earlier).write(folder);
          });
    } finally {
      if (!isTold[0]) {
        pieces.none();
      }
    }
  }

  /** The digests of all files; those of linked files are what they were when these were written. */
  private static Checksums checksums(Path folder, Set<String> linked, Path earlier)
      throws IOException {
    Set<String> known = linked.stream().map(name -> EMA + "/" + name).collect(Collectors.toSet());
    Optional<Checksums> before = known.isEmpty() ? Optional.empty() : Checksums.read(earlier);
    return before.isEmpty()
        ? Checksums.of(folder, Map.of())
        : Checksums.of(folder, before.get().only(known::contains).digests());
  }

  /** Replaces the state. A process killed meanwhile leaves a state without a digest at worst. */
  private static void rewrite(Path target, RunState state) throws IOException {
    Path file = target.resolve(STATE);
    byte[] json = state.toJson();
    if (Files.exists(file) && Arrays.equals(json, Files.readAllBytes(file))) {
      return;
    }
    Optional<Checksums> sums = Checksums.read(target);
    if (sums.isPresent()) {
      sums.get().without(target, file).write(target);
    }
    AtomicFile.write(file, out -> out.write(json));
    if (sums.isPresent()) {
      sums.get().with(target, file).write(target);
    }
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

  /** The steps done when it was written, as its name says. */
  public long step() {
    return step(folder);
  }

  /** Its name, {@code step-000001500}. */
  public String name() {
    return folder.getFileName().toString();
  }

  /** The newest checkpoint in a folder. */
  public static Optional<Checkpoint> newest(Path checkpoints) throws IOException {
    return list(checkpoints).stream().reduce((older, newer) -> newer);
  }

  /**
   * Deletes all but the newest {@code keep} of a run's checkpoints.
   *
   * @param own the names of those that the run has written; others are neither counted nor deleted
   */
  public static void prune(Path checkpoints, int keep, Set<String> own) throws IOException {
    List<Checkpoint> all =
        list(checkpoints).stream().filter(checkpoint -> own.contains(checkpoint.name())).toList();
    for (Checkpoint old : all.subList(0, Math.max(0, all.size() - keep))) {
      AtomicFolder.delete(old.folder);
    }
  }

  /** Whether a folder is a checkpoint. */
  public static boolean is(Path folder) {
    return Files.isRegularFile(folder.resolve(STATE)) && Files.isDirectory(folder.resolve(EMA));
  }

  /**
   * Compares every file with its digest.
   *
   * @return whether there are digests; checkpoints of earlier versions have none
   * @throws IOException in one line that names the file, if one is missing or damaged
   */
  public boolean verify() throws IOException {
    return verify(_ -> true);
  }

  /** As {@link #verify}, for the files of {@link #model} alone. */
  public boolean verifyModel() throws IOException {
    return verify(name -> name.startsWith(EMA + "/"));
  }

  /** As {@link #verify}, for what {@link #state} and {@link #preset} read. */
  public boolean verifySettings() throws IOException {
    return verify(name -> name.equals(STATE) || name.matches(EMA + "/[^/]*\\.json"));
  }

  private boolean verify(Predicate<String> names) throws IOException {
    Optional<Checksums> sums = Checksums.read(folder);
    if (sums.isPresent()) {
      sums.get().only(names).verify(folder);
    }
    return sums.isPresent();
  }

  /** The checkpoint whose {@link #model} a folder is, if it is that of one. */
  public static Optional<Checkpoint> of(Path model) {
    Path absolute = model.toAbsolutePath().normalize();
    Path folder = absolute.getParent();
    return absolute.endsWith(EMA) && is(folder)
        ? Optional.of(new Checkpoint(folder))
        : Optional.empty();
  }

  /** The model with the averaged parameters. */
  public Path model() {
    return folder.resolve(EMA);
  }

  /**
   * A digest of the model, by which it is told from others.
   *
   * @return empty for checkpoints of earlier versions, whose files have no digests
   * @throws IOException in one line, if the file of digests is damaged
   */
  public String modelDigest() throws IOException {
    return Checksums.read(folder)
        .map(sums -> sums.only(name -> name.startsWith(EMA + "/")).digests().toString())
        .map(all -> new Sha256().add(all).hex())
        .orElse("");
  }

  /** The state of the run. */
  public RunState state() throws IOException {
    return RunState.read(folder.resolve(STATE));
  }

  /** The preset of the run. */
  public TrainingPreset preset() throws IOException {
    return ModelFolder.trainingPreset(model());
  }

  /**
   * Restores the state of the run into a model of the same preset, after comparing every file with
   * its digest.
   *
   * @throws IOException in one line, if a file is missing, damaged or of another model
   */
  public void restore(TrainedModel<?> trained) throws IOException {
    verify();
    RunState state = state();
    // Where nothing is averaged these are the parameters, which the second file has exactly.
    trained.readAveraged(model());
    try (StateDict saved = StateDict.open(folder.resolve(PARAMETERS))) {
      // Earlier versions wrote frozen parameters, too; they are in the model's folder.
      saved.loadInto(trained.trainedParameters(), trained.parameters()::containsKey);
    }
    try (StateDict saved = StateDict.open(folder, OPTIMIZER)) {
      trained.optimizer().load(saved);
    }
    trained.resume(state.step());
    trained.setSaved(folder);
  }
}
