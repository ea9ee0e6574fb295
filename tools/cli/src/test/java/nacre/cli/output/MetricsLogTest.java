package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import nacre.cli.output.MetricsLog.Entry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("run").resolve("metrics.jsonl");
  }

  private static Entry entry(long step, double loss) {
    return new Entry(step, Map.of("loss", loss));
  }

  @Test
  void aResumedRunContinuesTheSameCurve() throws IOException {
    try (MetricsLog log = MetricsLog.open(file, -1)) {
      for (int step = 10; step <= 50; step += 10) {
        log.append(entry(step, 1.0 / step));
      }
    }
    try (MetricsLog log = MetricsLog.open(file, 30)) {
      log.append(entry(40, 0.5));
    }
    assertEquals(
        List.of(entry(10, 1.0 / 10), entry(20, 1.0 / 20), entry(30, 1.0 / 30), entry(40, 0.5)),
        MetricsLog.read(file));
  }

  @Test
  void beginningAnewForgetsEverything() throws IOException {
    try (MetricsLog log = MetricsLog.open(file, -1)) {
      log.append(entry(0, 1));
    }
    MetricsLog.open(file, -1).close();
    assertEquals(List.of(), MetricsLog.read(file));
  }

  @Test
  void aLineIsInTheFileAtOnce() throws IOException {
    try (MetricsLog log = MetricsLog.open(file, -1)) {
      log.append(entry(1, 0.125));
      assertEquals("{\"step\":1,\"loss\":0.125}\n", Files.readString(file));
    }
  }

  @Test
  void theLineThatAKillCutOffIsDropped() throws IOException {
    try (MetricsLog log = MetricsLog.open(file, -1)) {
      log.append(entry(1, 0.5));
    }
    Files.writeString(file, "{\"step\":2,\"lo", StandardOpenOption.APPEND);
    assertEquals(List.of(entry(1, 0.5)), MetricsLog.read(file));
    try (MetricsLog log = MetricsLog.open(file, 1)) {
      log.append(entry(2, 0.25));
    }
    assertEquals(List.of(entry(1, 0.5), entry(2, 0.25)), MetricsLog.read(file));
  }

  @Test
  void numbersThatAreNotFiniteStayReadable() throws IOException {
    try (MetricsLog log = MetricsLog.open(file, -1)) {
      log.append(entry(1, Double.POSITIVE_INFINITY));
    }
    assertEquals("{\"step\":1,\"loss\":null}\n", Files.readString(file));
    assertEquals(List.of(entry(1, Double.NaN)), MetricsLog.read(file));
  }

  @Test
  void aFileThatIsNoLogIsRefusedAndLeftAlone() throws IOException {
    Files.createDirectories(file.getParent());
    for (String content : List.of("{\"step\":1}\nhello\n", "{\"step\":1}\n{\"loss\":2}\n")) {
      Files.writeString(file, content);
      IOException failure = assertThrows(IOException.class, () -> MetricsLog.open(file, 5));
      assertTrue(failure.getMessage().startsWith(file + ", line 2: "), failure.getMessage());
      assertEquals(content, Files.readString(file));
    }
    assertThrows(IOException.class, () -> MetricsLog.read(folder.resolve("missing")));
  }
}
