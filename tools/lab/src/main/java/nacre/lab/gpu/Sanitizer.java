package nacre.lab.gpu;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * NVIDIA's checkers over a short training, every kernel of a step, forward and backward: {@code
 * memcheck} for accesses, {@code racecheck} for shared memory that two threads of a block touch
 * without a barrier between.
 */
final class Sanitizer {
  private static final String TOOL = "compute-sanitizer";
  private static final Pattern SUMMARY =
      Pattern.compile("=+ (?:ERROR|RACECHECK) SUMMARY: (\\d+) (?:errors?|hazards?).*");

  private Sanitizer() {}

  static Finding run(Workbench bench, String checker) throws IOException, InterruptedException {
    Optional<Path> tool = find();
    if (tool.isEmpty()) {
      return Finding.of(
          Status.SKIPPED, TOOL + " is neither on the PATH nor in CUDA_HOME nor in /usr/local/cuda");
    }
    List<String> command = command(tool.get(), checker);
    command.addAll(
        bench.nacreCommand(
            List.of(
                "train",
                "--preset=tiny",
                "--steps=2",
                "--device=cuda",
                "--eval-pairs=0",
                "--no-sheet",
                "--out=" + bench.scratch().resolve(checker))));
    Workbench.Ran ran = bench.run(bench.home(), command);
    for (String line : ran.lines()) {
      Optional<String> errors = errors(line);
      if (errors.isPresent()) {
        boolean clean = errors.get().equals("0") && ran.status() == 0;
        return Finding.of(
            clean ? Status.PASSED : Status.FAILED,
            String.format(
                Locale.ROOT,
                "%s found %s errors in 2 steps; the training ended with %d",
                checker,
                errors.get(),
                ran.status()));
      }
    }
    return Finding.of(Status.FAILED, TOOL + " " + ran.failure());
  }

  /** How many faults a line says were found, if it is the checker's last. */
  static Optional<String> errors(String line) {
    Matcher summary = SUMMARY.matcher(line);
    return summary.matches() ? Optional.of(summary.group(1)) : Optional.empty();
  }

  /** The checker's command, without the program's. */
  static List<String> command(Path tool, String checker) {
    List<String> command = new ArrayList<>(List.of(tool.toString(), "--tool=" + checker));
    if (checker.equals("memcheck")) {
      // A call that fails is no fault where the answer is wanted: whether a pool or an attribute is
      // there, whether a library has an engine.
      command.add("--report-api-errors=no");
    }
    command.add("--error-exitcode=86");
    return command;
  }

  private static Optional<Path> find() {
    List<String> folders = new ArrayList<>();
    folders.addAll(List.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)));
    for (String home : List.of(System.getenv().getOrDefault("CUDA_HOME", ""), "/usr/local/cuda")) {
      if (!home.isEmpty()) {
        folders.addAll(List.of(home + "/bin", home + "/compute-sanitizer"));
      }
    }
    return folders.stream()
        .filter(folder -> !folder.isEmpty())
        .map(folder -> Path.of(folder, TOOL))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
