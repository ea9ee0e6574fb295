package nacre.bindings;

import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.bindings.mpi.Mpi;
import nacre.bindings.symbols.OpenedLibraries;

/**
 * The library of MPI that this process uses: Open MPI 4 or 5, or any that offers the standard ABI
 * of MPI 5, as MPICH 5 does by {@code libmpi_abi}. That of the launcher comes first, as the two
 * have to fit.
 *
 * @param found what came of looking for it
 * @param constants what differs between the two; null if none was found
 */
public record MpiLibrary(NativeLibrary found, MpiConstants constants) {
  private static final String NAME = "MPI";
  private static final List<String> OPEN_MPI = List.of("libmpi.so.40");
  private static final List<String> STANDARD = List.of("libmpi_abi.so.0", "libmpi_abi.so");

  private static MpiLibrary answer;

  /**
   * Opens the library, the first time it is asked for; later calls give the same answer.
   *
   * @param folders to be looked at first, separated as in {@code PATH}; a library's own path, too
   * @param environment variables that launchers and installations set
   */
  public static synchronized MpiLibrary find(
      Optional<String> folders, Map<String, String> environment) {
    if (answer == null) {
      answer = search(folders, environment);
    }
    return answer;
  }

  private static MpiLibrary search(Optional<String> folders, Map<String, String> environment) {
    String os = System.getProperty("os.name");
    if (!os.startsWith("Linux") || !DynamicLoader.isAvailable()) {
      return unavailable("Nacre uses MPI on Linux, and this system is " + os);
    }
    List<String> failures = new ArrayList<>();
    for (String candidate : candidates(folders, environment)) {
      DynamicLoader.Answer opened = DynamicLoader.open(candidate);
      if (opened.library().isPresent()) {
        MpiLibrary checked = checked(opened.library().get(), candidate);
        if (checked.found.isLoaded()) {
          return checked;
        }
        failures.add(((NativeLibrary.Unavailable) checked.found).reason());
      } else if (candidate.contains("/")) {
        failures.add(opened.error());
      }
    }
    return unavailable(
        failures.isEmpty()
            ? "neither libmpi.so.40 (Open MPI) nor libmpi_abi.so.0 (the standard ABI, MPICH 5) is"
                + " on the system's search path; apt install openmpi-bin libopenmpi3, or name the"
                + " folder with NACRE_MPI_LIBS"
            : String.join("; ", failures));
  }

  static List<String> candidates(Optional<String> folders, Map<String, String> environment) {
    List<String> names = new ArrayList<>();
    boolean others =
        environment.containsKey("PMI_RANK") && !environment.containsKey("OMPI_COMM_WORLD_RANK");
    names.addAll(others ? STANDARD : OPEN_MPI);
    names.addAll(others ? OPEN_MPI : STANDARD);
    List<String> candidates = new ArrayList<>();
    for (String place : folders.orElse("").split(File.pathSeparator)) {
      if (!place.isBlank()) {
        Path path = Path.of(place.strip());
        if (Files.isRegularFile(path)) {
          candidates.add(path.toAbsolutePath().toString());
        }
        addFiles(path, names, candidates);
      }
    }
    candidates.addAll(names);
    for (String variable : List.of("OPAL_PREFIX", "MPI_HOME", "I_MPI_ROOT", "CONDA_PREFIX")) {
      String home = environment.get(variable);
      if (home != null && !home.isBlank()) {
        addFiles(Path.of(home, "lib"), names, candidates);
        addFiles(Path.of(home, "lib64"), names, candidates);
      }
    }
    for (String folder : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
      if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, "mpirun"))) {
        Path home = Path.of(folder).toAbsolutePath().getParent();
        if (home != null) {
          addFiles(home.resolve("lib"), names, candidates);
          addFiles(home.resolve("lib64"), names, candidates);
        }
      }
    }
    addFiles(Path.of("/usr/lib64/openmpi/lib"), names, candidates);
    addFiles(Path.of("/usr/lib64/mpich/lib"), names, candidates);
    return candidates.stream().distinct().toList();
  }

  private static void addFiles(Path folder, List<String> names, List<String> to) {
    for (String name : names) {
      if (Files.exists(folder.resolve(name))) {
        to.add(folder.resolve(name).toAbsolutePath().toString());
      }
    }
  }

  private static MpiLibrary checked(DynamicLoader.Opened opened, String candidate) {
    boolean isOpenMpi = opened.find("ompi_mpi_comm_world").isPresent();
    // A function that came with the standard ABI; MPICH's own ABI, libmpi.so.12, has other handles.
    if (!isOpenMpi && opened.find("MPI_Abi_get_version").isEmpty()) {
      return unavailable(
          candidate
              + " is neither Open MPI nor of MPI 5's standard ABI; of MPICH 5 take libmpi_abi.so.0,"
              + " or install Open MPI");
    }
    OpenedLibraries.put("mpi", opened);
    try {
      MpiConstants constants = isOpenMpi ? MpiConstants.ofOpenMpi(opened) : MpiConstants.standard();
      Path file =
          Path.of(candidate).isAbsolute()
              ? Path.of(candidate)
              : opened.fileOf("MPI_Init_thread").orElse(Path.of(candidate));
      String abi = isOpenMpi ? "Open MPI's ABI" : "the standard ABI of MPI 5";
      return new MpiLibrary(
          new NativeLibrary.Loaded(NAME, version(constants) + ", by " + abi, file), constants);
    } catch (RuntimeException | ExceptionInInitializerError e) {
      OpenedLibraries.remove("mpi");
      Throwable reason = e.getCause() == null ? e : e.getCause();
      return unavailable(candidate + " does not tell its version: " + reason.getMessage());
    }
  }

  /** Such as {@code Open MPI v4.1.4}: what the library calls itself, up to the first comma. */
  private static String version(MpiConstants constants) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(constants.versionLength() + 1L);
      MemorySegment length = arena.allocate(ValueLayout.JAVA_INT);
      int status = Mpi.MPI_Get_library_version(text, length);
      if (status != Mpi.MPI_SUCCESS()) {
        throw new IllegalStateException("MPI_Get_library_version answered " + status);
      }
      return text.getString(0).lines().findFirst().orElse("").split(",")[0].strip();
    }
  }

  private static MpiLibrary unavailable(String reason) {
    return new MpiLibrary(new NativeLibrary.Unavailable(NAME, NAME + ": " + reason), null);
  }
}
