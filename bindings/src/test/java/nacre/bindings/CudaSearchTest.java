package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudaSearchTest {
  @TempDir Path folder;

  private Path make(String path) throws IOException {
    return Files.createDirectories(folder.resolve(path));
  }

  @Test
  void aFolderOfLibrariesIsItself() throws IOException {
    Path libraries = make("libraries");
    assertEquals(List.of(libraries), CudaSearch.of(libraries.toString(), Map.of()).chosen());
  }

  @Test
  void foldersThatAreNotThereAreLeftOut() {
    assertEquals(List.of(), CudaSearch.of(folder.resolve("none").toString(), Map.of()).chosen());
  }

  @Test
  void severalFoldersKeepTheirOrder() throws IOException {
    Path b = make("b");
    Path a = make("a");
    assertEquals(List.of(b, a), CudaSearch.of(b + ":" + a, Map.of()).chosen());
  }

  @Test
  void packagesOfPythonAreEachInAFolderOfTheirOwn() throws IOException {
    Path packages = make("venv/lib/python3.12/site-packages");
    Path cudnn = make("venv/lib/python3.12/site-packages/nvidia/cudnn/lib");
    Path cublas = make("venv/lib/python3.12/site-packages/nvidia/cublas/lib");
    for (Path named : List.of(folder.resolve("venv"), packages, packages.resolve("nvidia"))) {
      List<Path> found = CudaSearch.of(named.toString(), Map.of()).chosen();
      assertTrue(found.contains(cudnn) && found.contains(cublas), named + ": " + found);
    }
    Map<String, String> active = Map.of("VIRTUAL_ENV", folder.resolve("venv").toString());
    assertTrue(CudaSearch.of(null, active).usual().contains(cudnn));
  }

  @Test
  void thePythonOnThePathCounts() throws IOException {
    Path bin = make("env/bin");
    Path cudnn = make("env/lib/python3.13/site-packages/nvidia/cudnn/lib");
    assertFalse(CudaSearch.of(null, Map.of("PATH", bin.toString())).usual().contains(cudnn));
    Files.createFile(bin.resolve("python3")).toFile().setExecutable(true);
    assertTrue(CudaSearch.of(null, Map.of("PATH", bin.toString())).usual().contains(cudnn));
  }

  @Test
  void aToolkitHasItsLibrariesBelow() throws IOException {
    Path lib = make("cuda-13.0/lib64");
    Path home = folder.resolve("cuda-13.0");
    assertTrue(CudaSearch.of(home.toString(), Map.of()).chosen().contains(lib));
    assertTrue(CudaSearch.of(null, Map.of("CUDA_HOME", home.toString())).usual().contains(lib));
  }
}
