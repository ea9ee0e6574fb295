package nacre.bindings;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The folders in which NVIDIA's libraries may lie, besides the system's own search path.
 *
 * @param chosen what the user named; looked at first
 * @param usual where toolkits and Python environments put them; looked at last
 */
record CudaSearch(List<Path> chosen, List<Path> usual) {

  /**
   * @param folders folders that the user named, separated as in {@code PATH}; nullable
   */
  static CudaSearch of(String folders, Map<String, String> environment) {
    Set<Path> chosen = new LinkedHashSet<>();
    if (folders != null) {
      for (String name : folders.split(File.pathSeparator)) {
        if (!name.isBlank()) {
          addTree(Path.of(name.strip()), chosen);
        }
      }
    }
    Set<Path> usual = new LinkedHashSet<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      String home = environment.get(variable);
      if (home != null && !home.isBlank()) {
        addToolkit(Path.of(home), usual);
      }
    }
    for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
      String prefix = environment.get(variable);
      if (prefix != null && !prefix.isBlank()) {
        addPython(Path.of(prefix), usual);
      }
    }
    addPythonOnPath(environment.get("PATH"), usual);
    addToolkit(Path.of("/usr/local/cuda"), usual);
    // Where containers, WSL and NixOS mount the driver.
    usual.add(Path.of("/usr/local/nvidia/lib64"));
    usual.add(Path.of("/usr/lib/wsl/lib"));
    usual.add(Path.of("/run/opengl-driver/lib"));
    return new CudaSearch(existing(chosen), existing(usual));
  }

  /** A folder that holds libraries, a toolkit, or a Python environment's packages. */
  private static void addTree(Path folder, Set<Path> to) {
    to.add(folder);
    addToolkit(folder, to);
    addWheels(folder, to);
    addWheels(folder.resolve("nvidia"), to);
    addPython(folder, to);
  }

  private static void addToolkit(Path home, Set<Path> to) {
    to.add(home.resolve("lib64"));
    to.add(home.resolve("lib"));
    to.add(home.resolve("targets/x86_64-linux/lib"));
    to.add(home.resolve("targets/sbsa-linux/lib"));
  }

  /** An environment's own folder of libraries, then its packages' {@code nvidia/NAME/lib}. */
  private static void addPython(Path prefix, Set<Path> to) {
    to.add(prefix.resolve("lib"));
    for (Path python : list(prefix.resolve("lib"), "python3*")) {
      addWheels(python.resolve("site-packages/nvidia"), to);
      addWheels(python.resolve("dist-packages/nvidia"), to);
    }
  }

  private static void addPythonOnPath(String path, Set<Path> to) {
    if (path == null) {
      return;
    }
    for (String folder : path.split(File.pathSeparator)) {
      Path python = Path.of(folder.isEmpty() ? "." : folder).resolve("python3");
      Path bin = python.getParent();
      if (Files.isExecutable(python) && bin.getParent() != null) {
        addPython(bin.getParent(), to);
        return;
      }
    }
  }

  private static void addWheels(Path nvidia, Set<Path> to) {
    for (Path wheel : list(nvidia, "*")) {
      to.add(wheel.resolve("lib"));
    }
  }

  /** What a folder holds that fits a pattern, in order; nothing if it is no folder. */
  static List<Path> list(Path folder, String glob) {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
        entries.forEach(found::add);
      } catch (IOException e) {
        return List.of(); // a folder that may not be read holds nothing for us
      }
    }
    found.sort(null);
    return found;
  }

  private static List<Path> existing(Set<Path> folders) {
    return folders.stream().filter(Files::isDirectory).map(Path::toAbsolutePath).toList();
  }
}
