package nacre.cli;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import nacre.cli.options.DeviceChoice;
import nacre.cli.options.UserException;
import nacre.diffusion.NotFiniteException;
import nacre.diffusion.StableDiffusion;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Device;
import nacre.weights.NearName;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options for the model that a command uses, and for its device. */
public final class ModelChoice {
  private static final Path RUNS = Path.of("runs");
  private static final Path SHIPPED = Path.of("models", "demo");

  @Option(
      names = "--model",
      paramLabel = "FOLDER",
      description =
          "A run's folder, a checkpoint or a model folder; sample takes Stable Diffusion,"
              + " too. Unless given, the newest checkpoint"
              + " under runs/, else the model that comes with Nacre.")
  private Path model;

  @Mixin private DeviceChoice device;

  Device device() {
    return device.device();
  }

  /** Prints the explanation if {@code --explain} was given. */
  void explain(Consumer<String> out) {
    device.explain(out);
  }

  /** The model folder; complains in one line where there is none. */
  Path folder() throws IOException {
    if (model != null) {
      return given(model, "--model");
    }
    Optional<Checkpoint> newest = newest(RUNS);
    if (newest.isPresent()) {
      return model(newest.get());
    }
    return shipped()
        .orElseThrow(
            () ->
                new UserException(
                    "there is no model: nothing was trained under runs/; train one with: nacre"
                        + " train, or give --model"));
  }

  /** The error of a model that draws what is not numbers. */
  static UserException damaged(Path model, NotFiniteException e) {
    return new UserException(
        model + ": " + e.getMessage() + "; its weights are damaged, or its training diverged", e);
  }

  /** The folder that {@code --model} names, if it is Stable Diffusion's. */
  Optional<Path> stableDiffusion() throws IOException {
    return model != null && StableDiffusion.is(model) ? Optional.of(model) : Optional.empty();
  }

  /** The model folder that an option names; complains in one line where there is none. */
  public static Path given(Path path, String option) throws IOException {
    if (!Files.exists(path)) {
      throw new UserException(
          path
              + ": no such folder; "
              + option
              + " is a run, checkpoint or model"
              + HubModel.hint(path).orElse(NearName.hint(path)));
    }
    if (ModelFolder.is(path)) {
      return path;
    }
    if (Checkpoint.is(path)) {
      return model(new Checkpoint(path));
    }
    Optional<Checkpoint> newest = new RunFolder(path).newest();
    if (newest.isEmpty()) {
      throw new UserException(
          path + ": is neither a run with a checkpoint nor a model" + HubModel.snapshots(path));
    }
    return model(newest.get());
  }

  /** The model of a checkpoint, whose files are compared with their digests first. */
  private static Path model(Checkpoint checkpoint) throws IOException {
    checkpoint.verifyModel();
    return checkpoint.model();
  }

  /** The newest checkpoint of any run, except those of untrained models. */
  private static Optional<Checkpoint> newest(Path runs) throws IOException {
    if (!Files.isDirectory(runs)) {
      return Optional.empty();
    }
    Checkpoint best = null;
    FileTime bestTime = null;
    try (Stream<Path> folders = Files.list(runs)) {
      for (Path folder : (Iterable<Path>) folders.sorted()::iterator) {
        Optional<Checkpoint> newest = new RunFolder(folder).newest();
        if (newest.isPresent() && newest.get().state().step() > 0) {
          FileTime time = Files.getLastModifiedTime(newest.get().folder());
          if (best == null || time.compareTo(bestTime) > 0) {
            best = newest.get();
            bestTime = time;
          }
        }
      }
    }
    return Optional.ofNullable(best);
  }

  /** The model committed beside the sources, searched for upwards from where Nacre is installed. */
  public static Optional<Path> shipped() {
    Path here;
    try {
      here = Path.of(ModelChoice.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException | RuntimeException e) {
      return Optional.empty();
    }
    for (Path at = here.getParent(); at != null; at = at.getParent()) {
      Path candidate = at.resolve(SHIPPED);
      if (ModelFolder.is(candidate)) {
        return Optional.of(candidate);
      }
    }
    return Optional.empty();
  }
}
