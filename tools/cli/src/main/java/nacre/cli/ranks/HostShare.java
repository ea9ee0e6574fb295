package nacre.cli.ranks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.spi.Rendezvous;

/**
 * What ranks of one host have of its cores. Launchers mostly bind each to some of them, which Java
 * sees; where they do not, each takes an equal part.
 *
 * @param processes on this host
 * @param isBound whether the launcher has bound this one to some of the cores
 */
record HostShare(int processes, boolean isBound) {
  private static final String ALLOWED = "Cpus_allowed_list:";

  static HostShare of(Rendezvous ranks) {
    return new HostShare(ranks.localRanks(), isBoundNow());
  }

  private static boolean isBoundNow() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      String allowed =
          lines
              .filter(line -> line.startsWith(ALLOWED))
              .map(line -> line.substring(ALLOWED.length()).strip())
              .findFirst()
              .orElse("");
      return !allowed.equals(Files.readString(Path.of("/sys/devices/system/cpu/online")).strip());
    } catch (IOException noSuchFile) {
      return false;
    }
  }

  /** The number of threads for each, of so many that Java sees. */
  int threads(int available) {
    return isBound ? available : Math.max(1, available / processes);
  }

  /** Makes it the default of this process, unless threads were asked for. */
  void apply(Settings settings) {
    if (processes > 1 && settings.threads().isEmpty()) {
      int threads = threads(Runtime.getRuntime().availableProcessors());
      for (String property :
          List.of(
              Setting.THREADS.property(), "java.util.concurrent.ForkJoinPool.common.parallelism")) {
        System.setProperty(property, Integer.toString(threads));
      }
    }
  }
}
