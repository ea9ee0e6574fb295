package nacre.tensor.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.tensor.cuda.OwnProcess;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code that came with the program is loaded without a compiler. */
@Tag("cuda")
class ShippedCodeTest {
  @TempDir Path folder;

  /** Loads a kernel's code where there is no NVRTC, and prints it. */
  static final class Loads {
    private Loads() {}

    /**
     * Prints what was loaded.
     *
     * @param args nothing; the property {@code folder} names the folder of kept code
     */
    public static void main(String[] args) {
      CompiledSources.search();
      Path cache = Path.of(System.getProperty("folder"));
      String code =
          KernelCompiler.load(
              "movement", "sm_90", cache, bytes -> new String(bytes, StandardCharsets.UTF_8));
      System.out.println(code);
    }
  }

  /** Compiles one kernel to be shipped. */
  static final class Ships {
    private Ships() {}

    /**
     * Writes a file.
     *
     * @param args nothing; the property {@code folder} names the folder of kept code
     */
    public static void main(String[] args) {
      CompiledSources.search();
      CudaLibraries.find(CudaLibrary.NVRTC);
      KernelCompiler.ship("movement", "sm_90", Path.of(System.getProperty("folder")));
    }
  }

  @Test
  void codeThatWasShippedNeedsNoCompiler() throws IOException, InterruptedException {
    String simulator = System.getProperty("nacre.cuda.sim", System.getenv("NACRE_CUDA_SIM"));
    assumeTrue(simulator != null, "the simulated device compiles what is shipped here");
    OwnProcess.run(Ships.class, "-Dfolder=" + folder, "-Dnacre.cuda.sim=" + simulator);
    Path file;
    try (Stream<Path> all = Files.list(folder.resolve("shipped"))) {
      file = all.findFirst().orElseThrow();
    }
    CodeCache.write(file, "the code".getBytes(StandardCharsets.UTF_8));
    assertEquals("the code", OwnProcess.run(Loads.class, "-Dfolder=" + folder).strip());
  }
}
