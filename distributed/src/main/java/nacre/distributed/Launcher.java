package nacre.distributed;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What started this process as one of several ranks, by the variables that launchers set.
 *
 * @param name of the kind of launcher
 */
public record Launcher(String name) {
  /** A variable that only a launcher of MPI sets, and which one that is. */
  private record Mark(String variable, String name) {}

  private static final List<Mark> MARKS =
      List.of(
          new Mark("OMPI_COMM_WORLD_RANK", "Open MPI's mpirun"),
          new Mark("PMIX_RANK", "PMIx"),
          new Mark("PMI_RANK", "PMI"));

  /** The launcher of a process with these variables; empty if it runs by itself. */
  public static Optional<Launcher> of(Map<String, String> environment) {
    return MARKS.stream()
        .filter(mark -> !environment.getOrDefault(mark.variable, "").isBlank())
        .map(mark -> new Launcher(mark.name))
        .findFirst();
  }

  /** Takes out of a process's variables what makes it one of several ranks. */
  public static void leave(Map<String, String> environment) {
    environment.keySet().removeIf(name -> name.matches("(OMPI|PMIX|PMI|PRTE)_.*"));
  }
}
