package nacre.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import nacre.cli.options.UserException;
import nacre.neuralassets.training.Checkpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code nacre verify-run}. */
@Command(
    name = "verify-run",
    description = {
      "Compare every file of a run's checkpoints with its digest.",
      "One line a checkpoint. Nothing is changed. The exit status is 0 if all are whole, 1 if one"
          + " is damaged."
    },
    mixinStandardHelpOptions = true)
final class VerifyRunCommand implements Callable<Integer> {
  @Parameters(paramLabel = "RUN", description = "A run's folder, or a checkpoint.")
  private Path path;

  @Override
  public Integer call() throws IOException {
    List<Checkpoint> all =
        Checkpoint.is(path)
            ? List.of(new Checkpoint(path))
            : Checkpoint.list(new RunFolder(path).checkpoints());
    if (all.isEmpty()) {
      throw new UserException(path + ": is neither a run with a checkpoint nor a checkpoint");
    }
    boolean whole = true;
    for (Checkpoint checkpoint : all) {
      whole &= verify(checkpoint);
    }
    return whole ? 0 : 1;
  }

  private static boolean verify(Checkpoint checkpoint) {
    try {
      boolean checked = checkpoint.verify();
      checkpoint.state();
      checkpoint.preset();
      System.out.printf(
          Locale.ROOT,
          "%s  %s%n",
          checked ? "whole  " : "unknown",
          checkpoint.folder() + (checked ? "" : ": has no digests, an earlier version wrote it"));
      return true;
    } catch (IOException | IllegalArgumentException e) {
      System.out.println("DAMAGED  " + Failure.describe(e));
      return false;
    }
  }
}
