package nacre.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * {@code nacre train} with the smallest preset, or another, in a process of its own, which can be
 * killed.
 */
record TrainProcess(Process process, Path out, Path err) implements AutoCloseable {
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin/java").toString();

  /**
   * Starts it.
   *
   * @param scratch folder for what it prints
   * @param limit shell command that goes before, such as one that limits the size of files
   */
  static TrainProcess start(Path scratch, String limit, Object... words) throws IOException {
    List<String> command = new ArrayList<>(List.of("sh", "-c", limit + "exec \"$@\"", "sh"));
    command.addAll(
        List.of(
            JAVA,
            "-XX:+UseSerialGC",
            "-Xmx512m",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            "nacre.cli.Nacre",
            "train",
            "--no-sheet",
            "--eval-pairs",
            "0"));
    if (!List.of(words).contains("--preset")) {
      command.addAll(List.of("--preset", "tiny"));
    }
    for (Object word : words) {
      command.add(word.toString());
    }
    Path out = Files.createTempFile(scratch, "out", ".txt");
    Path err = Files.createTempFile(scratch, "err", ".txt");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    return new TrainProcess(process, out, err);
  }

  /** Waits for the end; the exit status. */
  int await() throws InterruptedException {
    if (!process.waitFor(4, TimeUnit.MINUTES)) {
      throw new AssertionError("training did not end");
    }
    return process.exitValue();
  }

  String printed() throws IOException {
    return Files.readString(out);
  }

  String complaint() throws IOException {
    return Files.readString(err);
  }

  /** For messages of assertions. */
  String complaintOrNone() {
    try {
      return complaint() + printed();
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
