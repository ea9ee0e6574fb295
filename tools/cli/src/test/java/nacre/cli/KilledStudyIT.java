package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A study that is killed by kill -9 at any moment. */
@DisabledOnOs(OS.WINDOWS)
class KilledStudyIT {
  private static final int KILLS = 5;

  @TempDir private Path scratch;

  private Process start(Path out) throws Exception {
    Path tiny = Path.of(KilledStudyIT.class.getResource("/study/tiny.json").toURI());
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin/java").toString(),
            "-Xmx512m",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            "nacre.cli.Nacre",
            "study",
            tiny.toString(),
            "--out",
            out.toString())
        .redirectErrorStream(true)
        .redirectOutput(scratch.resolve("log.txt").toFile())
        .start();
  }

  private void finish(Path out) throws Exception {
    Process process = start(out);
    try {
      assertTrue(process.waitFor(4, TimeUnit.MINUTES));
      assertEquals(0, process.exitValue(), this::log);
    } finally {
      process.destroyForcibly();
    }
  }

  private String log() {
    try {
      return Files.readString(scratch.resolve("log.txt"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Test
  void killedAgainAndAgainAStudyHasTheSameResults() throws Exception {
    Path whole = scratch.resolve("whole");
    long begun = System.nanoTime();
    finish(whole);
    long longest = System.nanoTime() - begun;
    Path killed = scratch.resolve("killed");
    Random random = new Random(5);
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = start(killed);
      process.waitFor((long) (longest * random.nextDouble()), TimeUnit.NANOSECONDS);
      process.destroyForcibly().waitFor();
    }
    finish(killed);
    for (String name :
        List.of(
            "table.md",
            "results.json",
            "plot.svg",
            "results/copy-seed0.json",
            "results/plain-seed0.json",
            "results/still-camera-seed1.json")) {
      assertEquals(
          Files.readString(whole.resolve(name)), Files.readString(killed.resolve(name)), name);
    }
  }
}
