package nacre.lab.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The archive's script, in a folder that is laid out as the archive is. */
@EnabledOnOs(OS.LINUX)
class GpuCheckIT {
  @TempDir private Path folder;
  private Path home;

  private record Outcome(int status, List<String> lines) {}

  @BeforeEach
  void unpack() throws IOException {
    home = Files.createDirectory(folder.resolve("nacre-gpu-check"));
    Path runtime = Path.of(System.getProperty("java.home"));
    Files.createSymbolicLink(home.resolve("runtime"), runtime);
    Path lib = Files.createDirectory(home.resolve("lib"));
    try (Stream<Path> jars = Files.list(Path.of("../cli/target/lib"))) {
      for (Path jar : Stream.concat(jars, Stream.of(Path.of("target/lab.jar"))).toList()) {
        Files.createSymbolicLink(lib.resolve(jar.getFileName()), jar.toAbsolutePath());
      }
    }
    Files.copy(Path.of("gpu/check"), home.resolve("check"));
    Files.writeString(home.resolve("version"), "1, commit a\n");
  }

  @AfterEach
  void unlink() throws IOException {
    Files.delete(home.resolve("runtime"));
  }

  /** Started from another folder; there is no GPU, whatever this machine has. */
  private Outcome check(String... words) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("sh", home.resolve("check").toString()));
    command.addAll(List.of(words));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("PATH", System.getenv("PATH"));
    builder.environment().put("NACRE_CACHE", folder.resolve("cache").toString());
    builder.environment().putAll(Map.of("NACRE_CUDA_SIM", folder.toString()));
    Process process = builder.start();
    process.getOutputStream().close();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), text.lines().toList());
  }

  @Test
  void listsItsParts() throws Exception {
    Outcome outcome = check("--list");
    assertEquals(0, outcome.status(), outcome.toString());
    assertEquals(Parts.all().size(), outcome.lines().size(), outcome.toString());
    assertTrue(outcome.lines().getFirst().startsWith("engines"), outcome.toString());
    assertEquals(2, check("--list", "--only=verify").lines().size());
  }

  @Test
  void withoutACardItEndsWithWhatIsMissingAndLeavesNoResults() throws Exception {
    Outcome outcome = check("--out", "results");
    assertEquals(1, outcome.status(), outcome.toString());
    assertTrue(outcome.toString().contains("missing  NVIDIA driver"), outcome.toString());
    assertTrue(outcome.lines().getLast().contains("no GPU to check"), outcome.toString());
    assertFalse(Files.exists(folder.resolve("results")));
  }

  @Test
  void aWrongWordIsOneLine() throws Exception {
    Outcome outcome = check("--only", "verfy");
    assertEquals(2, outcome.status(), outcome.toString());
    assertEquals(1, outcome.lines().size(), outcome.toString());
    Outcome python = check("--python", "/no/such/python");
    assertEquals(1, python.lines().size(), python.toString());
    assertTrue(python.lines().getFirst().contains("--python"), python.toString());
  }
}
