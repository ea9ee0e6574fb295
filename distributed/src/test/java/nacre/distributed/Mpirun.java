package nacre.distributed;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a program of the tests as several ranks on this machine, by Open MPI. */
final class Mpirun {
  /** What came of it: the exit status, and standard output and error. */
  record Outcome(int status, String text) {}

  private Mpirun() {}

  /** Whether Open MPI's launcher is here. */
  static boolean isHere() {
    return List.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)).stream()
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "mpirun")));
  }

  static Outcome run(int ranks, Class<?> program, String... arguments)
      throws IOException, InterruptedException {
    List<String> words =
        new ArrayList<>(
            List.of("mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"));
    words.addAll(
        List.of(
            "-n",
            Integer.toString(ranks),
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            program.getName()));
    words.addAll(List.of(arguments));
    Path text = Files.createTempFile("ranks", ".txt");
    try {
      Process process =
          new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(text.toFile()).start();
      boolean ended = process.waitFor(120, TimeUnit.SECONDS);
      process.destroyForcibly();
      String said = new String(Files.readAllBytes(text), StandardCharsets.UTF_8);
      assertTrue(ended, () -> "it did not end: " + said);
      return new Outcome(process.exitValue(), said);
    } finally {
      Files.delete(text);
    }
  }
}
