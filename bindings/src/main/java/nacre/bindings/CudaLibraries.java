package nacre.bindings;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.bindings.symbols.OpenedLibraries;

/**
 * Finds NVIDIA's libraries on the machine, opens them, and asks for their versions.
 *
 * <p>They are looked for, in this order, in the folders that the user named, along the system's
 * search path, in {@code CUDA_HOME}, in the Python environment that is active, and where toolkits
 * install themselves. Such a folder may be one that holds the libraries, a toolkit, or a Python
 * environment.
 *
 * <p>Where the simulated GPU of the tests is named, it serves instead: a library that serves for
 * all of them, or a folder of such; nothing else is looked at then.
 */
public final class CudaLibraries {
  private static final int NEWEST_CUDA = 13;

  private static final Map<CudaLibrary, NativeLibrary> FOUND = new EnumMap<>(CudaLibrary.class);

  /** Where to look, once somebody has said it. */
  private record Places(
      Optional<String> folders, Optional<Path> simulator, Map<String, String> environment) {}

  private static Places places;

  private CudaLibraries() {}

  /**
   * Says where to look. The first call counts: a library is looked for but once in a process.
   *
   * @param folders to be looked at first, separated as in {@code PATH}
   * @param simulator the simulated GPU of the tests, a library or a folder
   * @param environment variables that toolkits and Python environments set
   */
  public static void searchIn(
      Optional<String> folders, Optional<Path> simulator, Map<String, String> environment) {
    synchronized (FOUND) {
      if (places == null) {
        places = new Places(folders, simulator, environment);
      }
    }
  }

  /**
   * Opens a library, the first time it is asked for; later calls give the same answer.
   *
   * @throws IllegalStateException if nobody has said {@linkplain #searchIn where to look}
   */
  public static NativeLibrary find(CudaLibrary library) {
    synchronized (FOUND) {
      if (places == null) {
        throw new IllegalStateException("nobody has said where to look for " + library.title());
      }
      NativeLibrary answer = FOUND.get(library);
      if (answer == null) {
        answer = load(library);
        FOUND.put(library, answer);
      }
      return answer;
    }
  }

  /** The first library that is missing or too old, if any: without it CUDA cannot be used. */
  public static Optional<NativeLibrary.Unavailable> missing() {
    for (CudaLibrary library : CudaLibrary.values()) {
      if (!library.isOptional() && find(library) instanceof NativeLibrary.Unavailable missing) {
        return Optional.of(missing);
      }
    }
    return Optional.empty();
  }

  /** The simulated device that was asked for by name, if it was. */
  public static Optional<Path> simulator() {
    synchronized (FOUND) {
      return places == null ? Optional.empty() : places.simulator();
    }
  }

  /**
   * Opens NVTX, where there is one, in the same places. Nothing else opens it.
   *
   * @throws IllegalStateException if nobody has said {@linkplain #searchIn where to look}
   */
  public static Optional<Nvtx> nvtx() {
    synchronized (FOUND) {
      if (places == null) {
        throw new IllegalStateException("nobody has said where to look for NVTX");
      }
      return candidates(Nvtx.FILES).stream()
          .flatMap(candidate -> DynamicLoader.open(candidate).library().stream())
          .flatMap(library -> Nvtx.of(library).stream())
          .findFirst();
    }
  }

  private static NativeLibrary load(CudaLibrary library) {
    String os = System.getProperty("os.name");
    if (!os.startsWith("Linux") || !DynamicLoader.isAvailable()) {
      return unavailable(library, "Nacre uses CUDA on Linux, and this system is " + os);
    }
    int cudaMajor =
        library == CudaLibrary.DRIVER ? NEWEST_CUDA : driverMajor(find(CudaLibrary.DRIVER));
    List<String> failures = new ArrayList<>();
    for (String candidate : candidates(library.files(cudaMajor))) {
      DynamicLoader.Answer answer = DynamicLoader.open(candidate);
      if (answer.library().isPresent()) {
        if (library == CudaLibrary.NVRTC) {
          openBuiltins(Path.of(candidate));
        }
        return checked(library, answer.library().get(), candidate, cudaMajor);
      }
      // A bare name that is nowhere on the search path is no failure worth telling.
      if (candidate.contains("/")) {
        failures.add(answer.error());
      }
    }
    return unavailable(
        library, failures.isEmpty() ? notFound(library, cudaMajor) : String.join("; ", failures));
  }

  /**
   * NVRTC opens a part of itself by name when it first compiles, and in a Python package it would
   * not find the file beside it. A library that is in the process already is found.
   */
  private static void openBuiltins(Path nvrtc) {
    if (nvrtc.getParent() != null) {
      for (Path file : CudaSearch.list(nvrtc.getParent(), "libnvrtc-builtins.so*")) {
        DynamicLoader.open(file.toString());
      }
    }
  }

  private static List<String> candidates(List<String> names) {
    List<String> candidates = new ArrayList<>();
    Optional<Path> simulator = simulator();
    if (simulator.isPresent()) {
      if (Files.isDirectory(simulator.get())) {
        addFiles(List.of(simulator.get()), names, candidates);
      } else {
        candidates.add(simulator.get().toString());
      }
      return candidates;
    }
    CudaSearch search = search();
    addFiles(search.chosen(), names, candidates);
    candidates.addAll(names);
    addFiles(search.usual(), names, candidates);
    return candidates;
  }

  private static CudaSearch search() {
    return CudaSearch.of(places.folders().orElse(null), places.environment());
  }

  private static void addFiles(List<Path> folders, List<String> names, List<String> to) {
    for (Path folder : folders) {
      for (String name : names) {
        if (Files.exists(folder.resolve(name))) {
          to.add(folder.resolve(name).toString());
        }
      }
    }
  }

  private static NativeLibrary checked(
      CudaLibrary library, DynamicLoader.Opened opened, String candidate, int cudaMajor) {
    OpenedLibraries.put(library.bindings(), opened);
    String version;
    try {
      version = library.installed();
    } catch (IllegalStateException | ExceptionInInitializerError e) {
      OpenedLibraries.remove(library.bindings());
      Throwable reason = e.getCause() == null ? e : e.getCause(); // a function that it lacks
      return unavailable(library, candidate + " does not tell its version: " + reason.getMessage());
    }
    Path file =
        Path.of(candidate).isAbsolute()
            ? Path.of(candidate)
            : opened.fileOf(versionFunction(library)).orElse(Path.of(candidate));
    if (Versions.compare(version, library.minimum()) < 0) {
      OpenedLibraries.remove(library.bindings());
      String is =
          library == CudaLibrary.DRIVER ? "knows CUDA up to " + version : "is version " + version;
      return unavailable(
          library,
          String.format(
              Locale.ROOT,
              "%s %s, and %s or later is needed; %s",
              file,
              is,
              library.minimum(),
              library.remedy(cudaMajor)));
    }
    return new NativeLibrary.Loaded(library.title(), version, file);
  }

  private static String versionFunction(CudaLibrary library) {
    return switch (library) {
      case DRIVER -> "cuDriverGetVersion";
      case NVRTC -> "nvrtcVersion";
      case CUBLASLT -> "cublasLtGetVersion";
      case CUDNN -> "cudnnGetVersion";
      case NCCL -> "ncclGetVersion";
    };
  }

  private static int driverMajor(NativeLibrary driver) {
    return driver instanceof NativeLibrary.Loaded loaded
        ? Integer.parseInt(loaded.version().substring(0, loaded.version().indexOf('.')))
        : NEWEST_CUDA;
  }

  private static String notFound(CudaLibrary library, int cudaMajor) {
    String names = String.join(" or ", library.files(cudaMajor));
    if (simulator().isPresent()) {
      return String.format(
          Locale.ROOT,
          "%s is not in %s, the simulated device asked for; %s",
          names,
          simulator().get(),
          library.remedy(cudaMajor));
    }
    CudaSearch search = search();
    List<Path> folders = new ArrayList<>(search.chosen());
    folders.addAll(search.usual());
    String also = folders.isEmpty() ? "" : " nor in " + join(folders);
    return String.format(
        Locale.ROOT,
        "%s is not on the system's search path%s; %s",
        names,
        also,
        library.remedy(cudaMajor));
  }

  private static String join(List<Path> folders) {
    return String.join(", ", folders.stream().map(Path::toString).toList());
  }

  private static NativeLibrary unavailable(CudaLibrary library, String reason) {
    return new NativeLibrary.Unavailable(library.title(), library.title() + ": " + reason);
  }
}
