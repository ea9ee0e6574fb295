package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import nacre.cli.options.UserException;
import nacre.cli.ranks.Ranks;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunState;
import nacre.neuralassets.training.TrainedModel;
import nacre.weights.Aside;
import nacre.weights.AtomicFile;

/**
 * The checkpoints of a run, and the lock on the folder in which they lie: of several ranks, the
 * first has it, and moves and deletes what is to be.
 */
final class RunCheckpoints implements AutoCloseable {
  /** Number of checkpoints that are kept. */
  private static final int KEPT = 2;

  private final TrainingRun.Request request;
  private final RunFolder folder;
  private final Ranks ranks;
  private RunLock lock; // the first rank's

  /** The names of the checkpoints of this run, which may be deleted when there are newer ones. */
  private final Set<String> own = new HashSet<>();

  /** Checkpoints that are newer than the one to go on from. */
  private final List<Checkpoint> newer = new ArrayList<>();

  private RunCheckpoints(TrainingRun.Request request) {
    this.request = request;
    this.folder = request.folder();
    this.ranks = request.ranks();
  }

  /**
   * Takes the folder.
   *
   * @throws UserException if another process has it, it holds a run that this one is not to be, or
   *     not all ranks see it
   */
  static RunCheckpoints open(TrainingRun.Request request) throws IOException {
    RunCheckpoints opened = new RunCheckpoints(request);
    try {
      if (opened.ranks.isFirst()) {
        opened.take();
      }
      opened.ranks.requireShared(opened.folder.root());
      return opened;
    } catch (IOException | RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  private void take() throws IOException {
    lock = RunLock.take(folder);
    if (request.from() == null && !request.fresh() && folder.isTaken()) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "%s holds a run already; go on with --resume, begin anew with --fresh, or give"
                  + " --out",
              folder.root()));
    }
    AtomicFile.removeLeftovers(folder.root());
    AtomicFile.removeLeftovers(folder.checkpoints());
  }

  /**
   * Restores a model from the checkpoint to go on from.
   *
   * @return the state of the run
   * @throws UserException in one line that names an older checkpoint that is whole, if this one
   *     cannot be read
   */
  RunState restore(TrainedModel<?> model) throws IOException {
    Checkpoint from = request.from();
    RunState state;
    try {
      state = from.state();
      from.restore(model);
    } catch (IOException e) {
      throw folder.unreadable(from, e);
    }
    for (Checkpoint other : Checkpoint.list(folder.checkpoints())) {
      if (other.step() > from.step()) {
        newer.add(other);
      } else {
        own.add(other.name());
      }
    }
    return state;
  }

  /** Moves aside what is in the way: an earlier run, or newer checkpoints of this one. */
  void makeRoom(PrintStream out) throws IOException {
    if (!ranks.isFirst()) {
      return;
    }
    for (Checkpoint other : newer) {
      out.printf(Locale.ROOT, "aside   %s, now %s%n", other.folder(), Aside.move(other.folder()));
    }
    if (request.fresh() && folder.isTaken()) {
      out.println("moved   the earlier run to " + folder.moveAside(lock));
      lock = RunLock.take(folder);
    }
  }

  /** Writes a checkpoint, of several ranks together, and deletes those that are too old. */
  Checkpoint write(TrainedModel<?> model, RunState state) throws IOException {
    if (ranks.isFirst()) {
      lock.requireHeld();
    }
    Path checkpoints = folder.checkpoints();
    Checkpoint written = Checkpoint.write(checkpoints, model, state, ranks.rendezvous());
    own.add(written.name());
    if (ranks.isFirst()) {
      Checkpoint.prune(checkpoints, KEPT, own);
    }
    return written;
  }

  /** What follows a line that says why the run is over. */
  String last() {
    try {
      return folder.newest().map(c -> " (the last checkpoint is " + c.folder() + ")").orElse("");
    } catch (IOException e) {
      return "";
    }
  }

  @Override
  public void close() throws IOException {
    if (lock != null) {
      lock.close();
    }
  }
}
