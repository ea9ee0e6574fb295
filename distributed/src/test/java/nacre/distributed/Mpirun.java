package nacre.distributed;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * A program on the class path of the tests, started as several ranks on this machine by Open MPI.
 * Tests of other modules use it as well: it is in the test-jar of this one.
 */
public final class Mpirun {
  private static final long LIMIT_SECONDS = 120;

  /** What came of it: the exit status, and standard output and error. */
  public record Outcome(int status, String text) {}

  private final int ranks;
  private final List<String> launcherOptions = new ArrayList<>();
  private final List<String> javaOptions = new ArrayList<>();
  private final Map<String, String> environment = new HashMap<>();
  private Path folder = Path.of("");

  private Mpirun(int ranks) {
    this.ranks = ranks;
  }

  /** Whether Open MPI's launcher is here; a condition for JUnit's {@code EnabledIf}. */
  public static boolean isHere() {
    return List.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)).stream()
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "mpirun")));
  }

  /** So many ranks, not started yet. */
  public static Mpirun of(int ranks) {
    return new Mpirun(ranks);
  }

  /** With more options of the launcher. */
  public Mpirun launcher(String... options) {
    launcherOptions.addAll(List.of(options));
    return this;
  }

  /** With more options of each rank's JVM. */
  public Mpirun java(String... options) {
    javaOptions.addAll(List.of(options));
    return this;
  }

  /** With another variable for launcher and ranks. */
  public Mpirun environment(String name, String value) {
    environment.put(name, value);
    return this;
  }

  /** In a folder. */
  public Mpirun in(Path workingFolder) {
    folder = workingFolder;
    return this;
  }

  /** Runs a program to its end. */
  public static Outcome run(int ranks, Class<?> program, String... arguments)
      throws IOException, InterruptedException {
    return of(ranks).run(program.getName(), List.of(arguments));
  }

  /** Runs a main class to its end. */
  public Outcome run(String mainClass, List<String> arguments)
      throws IOException, InterruptedException {
    try (Running running = start(mainClass, arguments)) {
      return running.await(LIMIT_SECONDS);
    }
  }

  /** Starts a main class. */
  public Running start(String mainClass, List<String> arguments) throws IOException {
    List<String> words =
        new ArrayList<>(
            List.of("mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"));
    words.addAll(launcherOptions);
    words.addAll(List.of("-n", Integer.toString(ranks)));
    words.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED"));
    words.addAll(javaOptions);
    words.addAll(List.of("-cp", System.getProperty("java.class.path"), mainClass));
    words.addAll(arguments);
    Path text = Files.createTempFile("ranks", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(words)
            .directory(folder.toAbsolutePath().toFile())
            .redirectErrorStream(true)
            .redirectOutput(text.toFile());
    builder.environment().putAll(environment);
    return new Running(builder.start(), text, ranks);
  }

  /** A launcher that runs, and its ranks. */
  public static final class Running implements AutoCloseable {
    private final Process launcher;
    private final Path text;
    private final int count;
    private final Map<Integer, ProcessHandle> found = new TreeMap<>();

    private Running(Process launcher, Path text, int count) {
      this.launcher = launcher;
      this.text = text;
      this.count = count;
    }

    /** The launcher itself. */
    public ProcessHandle launcher() {
      return launcher.toHandle();
    }

    /** The process of a rank, as soon as it has been started. */
    public ProcessHandle rank(int rank) throws IOException, InterruptedException {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
      while (found.size() < count) {
        launcher.descendants().forEach(this::note);
        if (found.size() < count) {
          assertTrue(System.nanoTime() < end, () -> "not all ranks began: " + said());
          Thread.sleep(20);
        }
      }
      return found.get(rank);
    }

    /** Ranks are told by the variable that Open MPI sets. */
    private void note(ProcessHandle process) {
      try {
        Path file = Path.of("/proc", Long.toString(process.pid()), "environ");
        for (String variable : Files.readString(file, StandardCharsets.ISO_8859_1).split("\0")) {
          if (variable.startsWith("OMPI_COMM_WORLD_RANK=")) {
            found.putIfAbsent(
                Integer.parseInt(variable.substring(variable.indexOf('=') + 1)), process);
          }
        }
      } catch (IOException e) {
        // It has ended.
      }
    }

    /** Sends a signal, {@code KILL} or {@code STOP}. */
    public static void signal(ProcessHandle process, String name)
        throws IOException, InterruptedException {
      new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
          .inheritIO()
          .start()
          .waitFor();
    }

    /** What launcher and ranks have printed. */
    public String text() throws IOException {
      return new String(Files.readAllBytes(text), StandardCharsets.UTF_8);
    }

    private String said() {
      try {
        return text();
      } catch (IOException e) {
        return e.toString();
      }
    }

    /** Waits until something was printed. */
    public void awaitText(String wanted) throws IOException, InterruptedException {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
      while (!text().contains(wanted)) {
        assertTrue(
            launcher.isAlive() && System.nanoTime() < end || text().contains(wanted),
            () -> "no \"" + wanted + "\" in: " + said());
        Thread.sleep(20);
      }
    }

    /** Waits for the end, which must come in time. */
    public Outcome await(long seconds) throws IOException, InterruptedException {
      boolean ended = launcher.waitFor(seconds, TimeUnit.SECONDS);
      assertTrue(ended, () -> "it did not end: " + said());
      return new Outcome(launcher.exitValue(), text());
    }

    /** Those ranks that still run; of which {@link #rank} has been called before. */
    public List<ProcessHandle> left() {
      return found.values().stream().filter(ProcessHandle::isAlive).toList();
    }

    /** Ends whatever still runs. */
    @Override
    public void close() throws IOException {
      launcher.descendants().forEach(this::note);
      launcher.destroyForcibly();
      found.values().forEach(ProcessHandle::destroyForcibly);
      Files.deleteIfExists(text);
    }
  }
}
