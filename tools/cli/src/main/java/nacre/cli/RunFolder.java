package nacre.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import nacre.neuralassets.training.Checkpoint;

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

  /** Whether something would be lost if a new run began here. */
  boolean isTaken() throws IOException {
    return newest().isPresent() || Files.exists(metrics());
  }

  /** Moves the whole folder to a free name beside it, which is returned. */
  Path moveAside() throws IOException {
    for (int n = 1; ; n++) {
      Path aside = root.resolveSibling(root.getFileName() + ".old-" + n);
      if (!Files.exists(aside)) {
        return Files.move(root, aside);
      }
    }
  }
}
