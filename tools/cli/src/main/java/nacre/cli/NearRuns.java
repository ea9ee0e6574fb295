package nacre.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import nacre.weights.NearName;

/** The runs that somebody may have meant who named a folder without one. */
final class NearRuns {
  /** The most runs that are named. */
  private static final int MOST = 5;

  private NearRuns() {}

  /** Says in one line that a folder holds nothing to resume, and which runs are near. */
  static String nothingToResume(RunFolder run) throws IOException {
    String what =
        run.isTaken()
            ? "has no checkpoint to resume from; begin anew with --fresh"
            : "holds no run to resume; without --resume a run begins";
    List<Path> near = near(run.root());
    if (near.isEmpty()) {
      return run.root() + " " + what;
    }
    String names = String.join(", ", near.stream().limit(MOST).map(Path::toString).toList());
    String more =
        near.size() > MOST ? String.format(Locale.ROOT, " and %d more", near.size() - MOST) : "";
    return String.format(Locale.ROOT, "%s %s; runs are in %s%s", run.root(), what, names, more);
  }

  /** Runs in the folder itself, then those beside it and under runs/, the most alike name first. */
  private static List<Path> near(Path root) throws IOException {
    Map<Path, Path> runs = new LinkedHashMap<>();
    Path parent = root.getParent() == null ? Path.of("") : root.getParent();
    for (Path place : List.of(parent, root, Path.of("runs"))) {
      for (Path folder : folders(place)) {
        if (new RunFolder(folder).newest().isPresent()) {
          runs.putIfAbsent(folder.toAbsolutePath().normalize(), folder);
        }
      }
    }
    String name = String.valueOf(root.getFileName());
    List<Path> near = new ArrayList<>(runs.values());
    near.sort(
        Comparator.comparing((Path run) -> !root.equals(run.getParent()))
            .thenComparingInt(run -> NearName.distance(name, run.getFileName().toString()))
            .thenComparing(Path::toString));
    return near;
  }

  private static List<Path> folders(Path place) throws IOException {
    if (!Files.isDirectory(place)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(place)) {
      return entries.filter(Files::isDirectory).toList();
    }
  }
}
