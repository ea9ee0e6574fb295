package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import nacre.evaluation.study.StudyFile;
import nacre.tensor.Setting;

/** The runs of a study side by side: each in a process of its own with its share of the cores. */
final class StudyJobs {
  private static final long POLL = 200;

  /** Interval between two reports of what each process does. */
  private static final Duration REPORT = Duration.ofSeconds(30);

  private final StudyFile study;
  private final StudyFolder folder;
  private final int jobs;
  private final List<String> words;
  private final PrintStream out;
  private final BooleanSupplier stop;
  private final Map<StudyFolder.Run, Process> live = new LinkedHashMap<>();
  private final List<String> failed = new ArrayList<>();

  /**
   * The jobs of a study.
   *
   * @param words of the command line of a process, before the run's name
   */
  StudyJobs(
      StudyFile study,
      StudyFolder folder,
      int jobs,
      List<String> words,
      PrintStream out,
      BooleanSupplier stop) {
    this.study = study;
    this.folder = folder;
    this.jobs = jobs;
    this.words = words;
    this.out = out;
    this.stop = stop;
  }

  /**
   * Does what is left.
   *
   * @return false if stopped meanwhile
   */
  boolean run(Study all) throws IOException {
    all.begin();
    Deque<StudyFolder.Run> waiting = new ArrayDeque<>();
    for (StudyFolder.Run run : Study.runs(study)) {
      if (!all.isDone(run)) {
        waiting.add(run);
      }
    }
    long reported = System.nanoTime();
    try {
      while (!stop.getAsBoolean() && !(waiting.isEmpty() && live.isEmpty())) {
        while (live.size() < jobs && !waiting.isEmpty()) {
          start(waiting.poll());
        }
        Thread.sleep(POLL);
        List.copyOf(live.keySet()).forEach(this::ended);
        if (System.nanoTime() - reported > REPORT.toNanos()) {
          live.keySet().forEach(run -> out.println("  " + run.name() + ": " + lastLine(run)));
          reported = System.nanoTime();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      stopAll();
    }
    if (stop.getAsBoolean()) {
      return false;
    }
    all.conclude(failed);
    return true;
  }

  private void start(StudyFolder.Run run) throws IOException {
    Path log = folder.log(run);
    Files.createDirectories(log.getParent());
    int cores = Runtime.getRuntime().availableProcessors();
    int share = Math.max(1, cores / jobs);
    ProcessBuilder builder = process(run, share);
    builder.environment().put(Setting.THREADS.variable(), Integer.toString(share));
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    live.put(run, builder.start());
    out.printf(
        Locale.ROOT, "begun   %s, on %d of %d cores, see %s%n", run.name(), share, cores, log);
  }

  private ProcessBuilder process(StudyFolder.Run run, int cores) {
    List<String> all = new ArrayList<>(words);
    all.add(run.name());
    return OwnProcess.builder(List.of("-XX:ActiveProcessorCount=" + cores), all);
  }

  private void ended(StudyFolder.Run run) {
    Process process = live.get(run);
    if (process.isAlive()) {
      return;
    }
    live.remove(run);
    if (process.exitValue() == 0) {
      out.println("done    " + run.name());
    } else if (!stop.getAsBoolean()) {
      failed.add(run + ": " + lastLine(run));
      out.println("failed  " + failed.getLast());
    }
  }

  /** Asks all to stop, which they do at a safe point, and waits for it. */
  private void stopAll() {
    live.values().forEach(Process::destroy);
    for (Process process : live.values()) {
      process.onExit().join();
    }
  }

  private String lastLine(StudyFolder.Run run) {
    try (Stream<String> lines = Files.lines(folder.log(run), StandardCharsets.UTF_8)) {
      return lines.filter(line -> !line.isBlank()).reduce("", (_, last) -> last).strip();
    } catch (IOException | UncheckedIOException e) {
      return "its log cannot be read";
    }
  }
}
