package nacre.cli.output;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import nacre.cli.output.MetricsLog.Entry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {
  @TempDir Path folder;
  private final List<String> warnings = new ArrayList<>();
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
    try (MetricsLog log = MetricsLog.open(file, -1, warnings::add)) {
      for (int step = 10; step <= 50; step += 10) {
        log.append(entry(step, 1.0 / step));
      }
    }
    try (MetricsLog log = MetricsLog.open(file, 30, warnings::add)) {
      log.append(entry(40, 0.5));
    }
    assertEquals(
        List.of(entry(10, 1.0 / 10), entry(20, 1.0 / 20), entry(30, 1.0 / 30), entry(40, 0.5)),
        MetricsLog.read(file));
  }

  @Test
  void beginningAnewForgetsEverything() throws IOException {
    try (MetricsLog log = MetricsLog.open(file, -1, warnings::add)) {
      log.append(entry(0, 1));
    }
    MetricsLog.open(file, -1, warnings::add).close();
    assertEquals(List.of(), MetricsLog.read(file));
  }

  @Test
  void aLineIsInTheFileAtOnce() throws IOException {
    try (MetricsLog log = MetricsLog.open(file, -1, warnings::add)) {
      log.append(entry(1, 0.125));
      assertEquals("{\"step\":1,\"loss\":0.125}\n", Files.readString(file));
    }
  }

  @Test
  void theLineThatAKillCutOffIsDropped() throws IOException {
    try (MetricsLog log = MetricsLog.open(file, -1, warnings::add)) {
      log.append(entry(1, 0.5));
    }
    Files.writeString(file, "{\"step\":2,\"lo", StandardOpenOption.APPEND);
    assertEquals(List.of(entry(1, 0.5)), MetricsLog.read(file));
    try (MetricsLog log = MetricsLog.open(file, 1, warnings::add)) {
      log.append(entry(2, 0.25));
    }
    assertEquals(List.of(entry(1, 0.5), entry(2, 0.25)), MetricsLog.read(file));
  }

  @Test
  void numbersThatAreNotFiniteStayReadable() throws IOException {
    try (MetricsLog log = MetricsLog.open(file, -1, warnings::add)) {
      log.append(entry(1, Double.POSITIVE_INFINITY));
    }
    assertEquals("{\"step\":1,\"loss\":null}\n", Files.readString(file));
    assertEquals(List.of(entry(1, Double.NaN)), MetricsLog.read(file));
  }

  /** A byte that is no UTF-8, half a line, lines of something else. */
  @Test
  void whatIsDamagedIsKeptAsideAndItsGoodLinesGoOn() throws IOException {
    Files.createDirectories(file.getParent());
    byte[] good = "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":0.25}\n".getBytes(UTF_8);
    for (byte[] junk :
        List.of(
            new byte[] {(byte) 0xff},
            new byte[] {(byte) 0xff, '\n'},
            "{\"ste\n".getBytes(UTF_8),
            "hello\n".getBytes(UTF_8),
            "{\"loss\":2}\n".getBytes(UTF_8))) {
      byte[] content = Arrays.copyOf(good, good.length + junk.length);
      System.arraycopy(junk, 0, content, good.length, junk.length);
      Files.write(file, content);
      warnings.clear();
      try (MetricsLog log = MetricsLog.open(file, 5, warnings::add)) {
        log.append(entry(3, 0.125));
      }
      assertEquals(List.of(entry(1, 0.5), entry(2, 0.25), entry(3, 0.125)), MetricsLog.read(file));
      assertEquals(1, warnings.size());
      String told = warnings.getFirst();
      assertTrue(told.startsWith(file.toString()), told);
      assertTrue(told.contains("2 lines of it"), told);
      assertEquals(1, told.lines().count(), told);
      String name = told.replaceFirst("(?s).*kept as ([^,]+),.*", "$1");
      assertArrayEquals(content, Files.readAllBytes(file.resolveSibling(name)));
    }
  }

  @Test
  void aFolderInItsPlaceIsKeptAside() throws IOException {
    Files.createDirectories(file);
    Files.writeString(file.resolve("mine.txt"), "mine");
    MetricsLog.open(file, 5, warnings::add).close();
    assertEquals(List.of(), MetricsLog.read(file));
    assertEquals(
        "mine", Files.readString(file.resolveSibling("metrics.jsonl.aside").resolve("mine.txt")));
    assertTrue(warnings.getFirst().contains("is a folder"), warnings::toString);
  }

  @Test
  void readingWhatIsNoLogNamesTheLine() throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "{\"step\":1}\nhello\n");
    IOException failure = assertThrows(IOException.class, () -> MetricsLog.read(file));
    assertTrue(failure.getMessage().startsWith(file + ", line 2: "), failure.getMessage());
    assertThrows(IOException.class, () -> MetricsLog.read(folder.resolve("missing")));
  }
}
