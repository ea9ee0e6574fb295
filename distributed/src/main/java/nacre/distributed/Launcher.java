package nacre.distributed;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What started this process as one of several ranks, by the variables that launchers set.
 *
 * @param name of the kind of launcher
 * @param isOnly whether it says that it started no other
 */
public record Launcher(String name, boolean isOnly) {
  /** A variable that only a launcher of MPI sets, which one that is, and where it says how many. */
  private record Mark(String variable, String name, String count) {}

  private static final List<Mark> MARKS =
      List.of(
          new Mark("OMPI_COMM_WORLD_RANK", "Open MPI's mpirun", "OMPI_COMM_WORLD_SIZE"),
          new Mark("PMIX_RANK", "PMIx", "SLURM_STEP_NUM_TASKS"),
          new Mark("PMI_RANK", "PMI", "PMI_SIZE"));

  /** The launcher of a process with these variables; empty if it runs by itself. */
  public static Optional<Launcher> of(Map<String, String> environment) {
    return MARKS.stream()
        .filter(mark -> !environment.getOrDefault(mark.variable, "").isBlank())
        .map(mark -> new Launcher(mark.name, "1".equals(environment.get(mark.count))))
        .findFirst();
  }

  /** Takes out of a process's variables what makes it one of several ranks. */
  public static void leave(Map<String, String> environment) {
    environment.keySet().removeIf(name -> name.matches("(OMPI|PMIX|PMI|PRTE)_.*"));
  }
}
