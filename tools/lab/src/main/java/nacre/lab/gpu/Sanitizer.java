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

/** NVIDIA's memory checker over a short training: every kernel of a step, forward and backward. */
final class Sanitizer {
  private static final String TOOL = "compute-sanitizer";
  private static final Pattern SUMMARY = Pattern.compile("=+ ERROR SUMMARY: (\\d+) errors?.*");

  private Sanitizer() {}

  static Finding run(Workbench bench) throws IOException, InterruptedException {
    Optional<Path> tool = find();
    if (tool.isEmpty()) {
      return Finding.of(
          Status.SKIPPED, TOOL + " is neither on the PATH nor in CUDA_HOME nor in /usr/local/cuda");
    }
    List<String> command =
        new ArrayList<>(List.of(tool.get().toString(), "--tool=memcheck", "--error-exitcode=86"));
    command.addAll(
        bench.nacreCommand(
            List.of(
                "train",
                "--preset=tiny",
                "--steps=2",
                "--device=cuda",
                "--eval-pairs=0",
                "--no-sheet",
                "--out=" + bench.scratch().resolve("run"))));
    Workbench.Ran ran = bench.run(bench.home(), command);
    for (String line : ran.lines()) {
      Matcher summary = SUMMARY.matcher(line);
      if (summary.matches()) {
        boolean clean = summary.group(1).equals("0") && ran.status() == 0;
        return Finding.of(
            clean ? Status.PASSED : Status.FAILED,
            String.format(
                Locale.ROOT,
                "memcheck found %s errors in 2 steps; the training ended with %d",
                summary.group(1),
                ran.status()));
      }
    }
    return Finding.of(Status.FAILED, TOOL + " " + ran.failure());
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
