package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import nacre.cli.output.MetricsLog;
import nacre.distributed.Mpirun;

/** Runs of several ranks of one thread each, and what they come to. */
final class RankedRuns {
  private RankedRuns() {}

  static Mpirun of(int ranks) {
    return Mpirun.of(ranks).java("-XX:ActiveProcessorCount=1", "-Dnacre.threads=1");
  }

  /** The losses that a run has logged, by step. */
  static Map<Long, Double> losses(Path run) throws IOException {
    Map<Long, Double> losses = new TreeMap<>();
    for (MetricsLog.Entry entry : MetricsLog.read(run.resolve("metrics.jsonl"))) {
      if (entry.values().containsKey("loss")) {
        losses.put(entry.step(), entry.values().get("loss"));
      }
    }
    return losses;
  }

  /** Requires a run to have logged the same losses, to one part in 10⁵. */
  static void assertLosses(Map<Long, Double> wanted, Path run) throws IOException {
    Map<Long, Double> found = losses(run);
    assertEquals(wanted.keySet(), found.keySet());
    wanted.forEach((step, loss) -> assertEquals(1, found.get(step) / loss, 1e-5, "step " + step));
  }
}
