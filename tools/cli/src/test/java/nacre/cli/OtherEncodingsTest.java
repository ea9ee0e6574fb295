package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.cli.output.MetricsLog;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text files that are not UTF-8 are named, with the line. */
class OtherEncodingsTest {
  private static final byte[] BYTES = "{\n\"caf\u00e9\": 1}".getBytes(StandardCharsets.ISO_8859_1);
  private static final String REASON = ": is not UTF-8 text: byte 0xe9 in line 2; save it as UTF-8";

  @TempDir Path folder;

  private void assertNamed(Path file, Object... words) {
    CommandLineRun run = CommandLineRun.of(words);
    assertTrue(run.status() != 0, run::out);
    assertEquals(1, run.complaints().size(), run::err);
    assertTrue(run.err().contains(file + REASON), run::err);
  }

  @Test
  void ofPresets() throws IOException {
    Path file = Files.write(folder.resolve("mine.json"), BYTES);
    assertNamed(file, "train", "--preset", file, "--out", folder.resolve("run"));
  }

  @Test
  void ofTokenizers() throws IOException {
    TinyModel model = TinyModel.copyTo(folder.resolve("model"));
    Path file = Files.write(model.root().resolve("tokenizer/merges.txt"), BYTES);
    assertNamed(file, "sample", "--model", model.root(), "--prompt", "a fox");
  }

  @Test
  void ofBundles() throws IOException {
    Path file = Files.write(folder.resolve("case.json"), BYTES);
    CommandLineRun run = CommandLineRun.of("verify", folder);
    assertEquals(2, run.status(), run::out);
    assertTrue((run.out() + run.err()).contains(file + REASON), run::err);
  }

  @Test
  void ofLogs() throws IOException {
    Path file = Files.write(folder.resolve("metrics.jsonl"), BYTES);
    WeightsException e = assertThrows(WeightsException.class, () -> MetricsLog.read(file));
    assertEquals(file + REASON, e.getMessage());
  }
}
