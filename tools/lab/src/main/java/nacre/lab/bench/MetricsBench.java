package nacre.lab.bench;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code nacre bench metrics}: the networks of metrics, as {@link ModelsBench} times others. */
@Command(
    name = "metrics",
    description = {
      "Time the networks that metrics look through, and beside them other programs: LPIPS,",
      "FID's features, DINO's.",
      "",
      "Example: nacre bench metrics --peer 'python3 tools/lab/bench/torch_models.py' \\",
      "           --peer 'python3 tools/lab/bench/torch_models.py --tuned'",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class MetricsBench implements Callable<Integer> {
  @Mixin private ModelsBench models;

  @Override
  public Integer call() throws IOException, InterruptedException {
    return models.run(_ -> ModelWork.ofMetrics());
  }
}
