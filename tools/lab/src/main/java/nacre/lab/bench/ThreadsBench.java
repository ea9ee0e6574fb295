package nacre.lab.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import nacre.bindings.Processors;
import nacre.cli.options.Accepts;
import nacre.cli.options.UserException;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Setting;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code nacre bench threads}: small works with one thread and with several. Each number of threads
 * has a process of its own, and the two take turns, so that whatever else the machine does slows
 * both.
 */
@Command(
    name = "threads",
    description = {
      "Time small works with one thread and with several.",
      "",
      "Example: nacre bench threads --rounds 20",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ThreadsBench implements Callable<Integer> {
  private static final double WARM_UP_SECONDS = 4;
  private static final double TURN_SECONDS = 0.5;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "What one thread is compared with; all physical cores unless given.")
  @Accepts(from = 1, to = 1024)
  private Integer threads;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "10",
      description = "Turns of half a second that each takes at each work; 10 unless given.")
  @Accepts(from = 1, to = 1e6)
  private int rounds;

  @Option(
      names = "--work",
      paramLabel = "NAME",
      split = ",",
      description =
          "What to time: train-tiny, train-demo, vit, vit-train, vit-train-1; all unless given.")
  private List<String> works = List.of();

  @Option(names = "--worker", hidden = true)
  private boolean worker;

  /** One of the two processes. */
  private static final class Worker implements AutoCloseable {
    private final Process process;
    private final PrintWriter questions;
    private final BufferedReader answers;

    Worker(int threads) throws IOException {
      process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:+UseSerialGC",
                  "--enable-native-access=ALL-UNNAMED",
                  "-D" + Setting.THREADS.property() + "=" + threads,
                  "-cp",
                  System.getProperty("java.class.path"),
                  "nacre.cli.Nacre",
                  "bench",
                  "threads",
                  "--worker")
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      questions = new PrintWriter(process.getOutputStream(), true, StandardCharsets.UTF_8);
      answers =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Median milliseconds of a run. */
    double time(ThreadWork work, double seconds) throws IOException {
      questions.println(work.id() + " " + seconds);
      String answer = answers.readLine();
      if (answer == null) {
        throw new IllegalArgumentException("bench: a worker ended, as said above");
      }
      return Double.parseDouble(answer);
    }

    @Override
    public void close() {
      questions.close();
      process.destroy();
    }
  }

  @Override
  public Integer call() throws IOException {
    if (worker) {
      serve();
      return 0;
    }
    int many = threads == null ? Processors.physicalCores() : threads;
    if (many < 2) {
      throw new UserException("bench: one thread is compared with --threads 2 or more");
    }
    List<ThreadWork> chosen =
        works.isEmpty()
            ? List.of(ThreadWork.values())
            : works.stream().map(ThreadWork::of).toList();
    PrintStream out = System.out;
    out.println("machine " + Peer.machine());
    out.printf(
        Locale.ROOT,
        "%-44s %9s %9s   %s%n",
        "median ms of a run",
        "1 thread",
        many,
        "ratio (quartiles)");
    try (Worker one = new Worker(1);
        Worker several = new Worker(many)) {
      for (ThreadWork work : chosen) {
        compare(work, one, several, out);
      }
    }
    return 0;
  }

  private void compare(ThreadWork work, Worker one, Worker several, PrintStream out)
      throws IOException {
    one.time(work, WARM_UP_SECONDS);
    several.time(work, WARM_UP_SECONDS);
    double[] alone = new double[rounds];
    double[] together = new double[rounds];
    double[] ratios = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      alone[round] = one.time(work, TURN_SECONDS);
      together[round] = several.time(work, TURN_SECONDS);
      ratios[round] = alone[round] / together[round];
    }
    Arrays.sort(ratios);
    out.printf(
        Locale.ROOT,
        "%-44s %9.2f %9.2f   %.2f (%.2f to %.2f)%n",
        work.title(),
        Peer.median(alone),
        Peer.median(together),
        Peer.median(ratios),
        ratios[rounds / 4],
        ratios[rounds - 1 - rounds / 4]);
  }

  /** The other side of {@link Worker}: a line for a line, until there are no more. */
  private static void serve() throws IOException {
    Device device = Device.cpu();
    Map<ThreadWork, Runnable> prepared = new EnumMap<>(ThreadWork.class);
    Scope.open(); // for as long as the process
    BufferedReader questions =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = questions.readLine(); line != null; line = questions.readLine()) {
      String[] words = line.split(" ");
      Runnable run =
          prepared.computeIfAbsent(ThreadWork.of(words[0]), work -> work.prepare(device));
      System.out.println(time(run, Double.parseDouble(words[1])));
    }
  }

  private static double time(Runnable run, double seconds) {
    List<Double> times = new ArrayList<>();
    long end = System.nanoTime() + (long) (seconds * 1e9);
    for (long begin = System.nanoTime(); begin < end || times.size() < 3; ) {
      run.run();
      long now = System.nanoTime();
      times.add((now - begin) / 1e6);
      begin = now;
    }
    return Peer.median(times.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
