package nacre.lab.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
  private static final Path PYTHON = Path.of("/usr/bin/python3");

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

  private Outcome check(String... words) throws IOException, InterruptedException {
    return checkWith(System.getenv("PATH"), words);
  }

  /** Started from another folder; there is no GPU, whatever this machine has. */
  private Outcome checkWith(String path, String... words) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("/bin/sh", home.resolve("check").toString()));
    command.addAll(List.of(words));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("PATH", path);
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

  /** On a machine that has Python, and neither Java nor Maven nor xz; then not even Python. */
  @Test
  void unpacksItselfWithWhatIsThere() throws Exception {
    assumeTrue(Files.isExecutable(PYTHON), PYTHON + " packs and unpacks in this test");
    pack();
    Path few = Files.createDirectory(folder.resolve("few"));
    for (String tool : List.of("dirname", "mv", "tar")) {
      Files.createSymbolicLink(few.resolve(tool), Path.of("/usr/bin", tool));
    }
    Outcome without = checkWith(few.toString(), "--list");
    assertEquals(1, without.status(), without.toString());
    assertTrue(without.lines().getFirst().contains("neither xz nor python3"), without.toString());
    assertTrue(without.lines().getLast().contains("could not be unpacked"), without.toString());

    Files.createSymbolicLink(few.resolve("python3"), PYTHON);
    Outcome with = checkWith(few.toString(), "--list");
    assertEquals(0, with.status(), with.toString());
    assertEquals(Parts.all().size(), with.lines().size(), with.toString());
    Files.delete(few.resolve("python3"));
    assertEquals(with, checkWith(few.toString(), "--list"), "it is unpacked once");
  }

  /** Puts all but the script into all.tar.xz, as the archive has it. */
  private void pack() throws IOException, InterruptedException {
    String program =
        """
        import os, shutil, tarfile
        with tarfile.open('all.tar.xz', 'w:xz', preset=0) as archive:
            for name in ('runtime', 'lib', 'version'):
                archive.add(name)
                shutil.rmtree(name) if name == 'lib' else os.remove(name)
        """;
    Process packing =
        new ProcessBuilder(PYTHON.toString(), "-c", program)
            .directory(home.toFile())
            .inheritIO()
            .start();
    assertEquals(0, packing.waitFor());
  }
}
