package nacre.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.cli.options.UserException;
import nacre.neuralassets.training.Checkpoint;
import nacre.weights.Aside;

/**
 * The folder of a training run.
 *
 * @param root such as {@code runs/demo}
 */
record RunFolder(Path root) {
  /** The checkpoints, each in its own folder. */
  Path checkpoints() {
    return root.resolve("checkpoints");
  }

  /** The numbers of the run, as JSON lines. */
  Path metrics() {
    return root.resolve("metrics.jsonl");
  }

  /** The folder of TensorBoard's events: {@code tensorboard --logdir runs}. */
  Path events() {
    return root.resolve("events");
  }

  /** The loss curve. */
  Path lossCurve() {
    return root.resolve("loss.png");
  }

  /** The newest sample sheet. */
  Path sheet() {
    return root.resolve("samples.png");
  }

  /** The result of the evaluation. */
  Path evaluation() {
    return root.resolve("eval.json");
  }

  /** The newest checkpoint. */
  Optional<Checkpoint> newest() throws IOException {
    return Checkpoint.newest(checkpoints());
  }

  /**
   * A checkpoint by its name or its step.
   *
   * @throws UserException naming those there are, if there is no such checkpoint
   */
  Checkpoint checkpoint(String name) throws IOException {
    List<Checkpoint> all = Checkpoint.list(checkpoints());
    return all.stream()
        .filter(c -> c.name().equals(name) || Long.toString(c.step()).equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new UserException(
                    String.format(
                        Locale.ROOT,
                        "%s has no checkpoint %s; it has %s",
                        root,
                        name,
                        all.stream().map(Checkpoint::name).toList())));
  }

  /**
   * The failure of a checkpoint that cannot be read, which names the newest older one that can.
   *
   * @param reason what is wrong with it
   */
  UserException unreadable(Checkpoint checkpoint, IOException reason) throws IOException {
    String rest = "the run has no older checkpoint that is whole; nothing was deleted";
    for (Checkpoint older : Checkpoint.list(checkpoints()).reversed()) {
      if (older.step() < checkpoint.step() && isWhole(older)) {
        rest =
            String.format(
                Locale.ROOT,
                "an older checkpoint is whole: nacre train --resume --checkpoint %s --out %s",
                older.name(),
                root);
        break;
      }
    }
    return new UserException(Failure.describe(reason) + "; " + rest);
  }

  private static boolean isWhole(Checkpoint checkpoint) {
    try {
      checkpoint.verify();
      checkpoint.state();
      checkpoint.preset();
      return true;
    } catch (IOException | IllegalArgumentException e) {
      return false;
    }
  }

  /** Whether something would be lost if a new run began here. */
  boolean isTaken() throws IOException {
    return newest().isPresent() || (Files.isRegularFile(metrics()) && Files.size(metrics()) > 0);
  }

  /**
   * Moves the whole folder to a free name beside it, which is returned.
   *
   * @param lock of the run, which this closes when it has moved
   */
  Path moveAside(RunLock lock) throws IOException {
    if (System.getProperty("os.name").startsWith("Windows")) {
      lock.close(); // a folder with an open file cannot be renamed there
    }
    Path aside = Aside.move(root);
    lock.close();
    return aside;
  }
}
