package nacre.tensor.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The kernels' sources, and what NVIDIA's own compiler says of them where there is one. */
class KernelSourcesTest {
  /** Ampere, Hopper, Blackwell. */
  private static final List<String> ARCHITECTURES = List.of("sm_80", "sm_90", "sm_100");

  private static List<String> sources() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("../native"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".cu"))
          .map(name -> name.substring(0, name.length() - ".cu".length()))
          .sorted()
          .toList();
    }
  }

  @Test
  void theJarCarriesEverySource() throws IOException {
    assertTrue(sources().size() > 5);
    for (String name : sources()) {
      String resource = "/nacre/tensor/cuda/kernels/" + name + ".cu";
      assertTrue(KernelCompiler.class.getResource(resource) != null, resource);
    }
  }

  @TestFactory
  Stream<DynamicTest> everySourceCompilesWithoutAWarning() throws IOException {
    return sources().stream()
        .flatMap(
            name ->
                ARCHITECTURES.stream()
                    .map(
                        architecture ->
                            DynamicTest.dynamicTest(
                                name + " for " + architecture,
                                () -> compiles(name, architecture))));
  }

  private static void compiles(String name, String architecture) {
    NativeLibrary nvrtc = CudaLibraries.find(CudaLibrary.NVRTC);
    assumeTrue(nvrtc.isLoaded(), () -> ((NativeLibrary.Unavailable) nvrtc).reason());
    assumeTrue(CudaLibraries.simulator().isEmpty(), "the simulated device is no NVRTC");
    KernelCompiler.Compiled compiled = KernelCompiler.compile(name, architecture);
    assertEquals("", compiled.log());
    assertTrue(compiled.code().length > 0);
  }
}
