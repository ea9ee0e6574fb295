package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The output of {@code nacre doctor} in the four situations of a user. */
class DoctorCommandTest {
  private static final Path SIMULATOR = Path.of("../../native/target/sim/libnacre_sim.so");
  private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

  @TempDir Path folder;

  /** A process of its own: libraries that were opened stay in a process. */
  private Shell.Outcome doctor(Map<String, String> environment)
      throws IOException, InterruptedException {
    Map<String, String> all = new HashMap<>(environment);
    all.put("PATH", System.getenv("PATH")); // for the compiler behind the simulated GPU's NVRTC
    all.put("NACRE_CACHE", folder.resolve("cache").toString());
    List<String> command = new ArrayList<>(List.of(JAVA.toString()));
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of("-cp", absolute(System.getProperty("java.class.path"))));
    command.addAll(List.of("nacre.cli.Nacre", "doctor"));
    return Shell.run(folder, all, command);
  }

  private static String text(Shell.Outcome outcome) {
    return String.join("\n", outcome.out()) + String.join("\n", outcome.err());
  }

  private static String absolute(String classPath) {
    List<String> entries = new ArrayList<>();
    for (String entry : classPath.split(File.pathSeparator)) {
      entries.add(Path.of(entry).toAbsolutePath().toString());
    }
    return String.join(File.pathSeparator, entries);
  }

  /** A folder with the libraries named, each the simulated gpu. */
  private Path simulated(String... names) throws IOException {
    assumeTrue(
        Files.isRegularFile(SIMULATOR),
        "the simulated GPU is not built; native/sim/build native/target/sim does it");
    Path home = Files.createDirectory(folder.resolve("simulated"));
    Path real = SIMULATOR.toRealPath();
    for (String name : names) {
      Files.createSymbolicLink(home.resolve(name), real);
    }
    return home;
  }

  @Test
  void withoutCudaItSaysWhatIsMissingAndTheProcessorStillWorks() throws Exception {
    Path none = Files.createDirectory(folder.resolve("none"));
    Shell.Outcome outcome = doctor(Map.of("NACRE_CUDA_SIM", none.toString()));
    assertEquals(0, outcome.status(), text(outcome));
    assertTrue(text(outcome).contains("missing  NVIDIA driver"), text(outcome));
    assertTrue(text(outcome).contains("missing  cuDNN"), text(outcome));
    assertTrue(text(outcome).contains("--device cuda cannot be used"), text(outcome));
    assertTrue(text(outcome).contains("passed"), text(outcome));
    assertTrue(text(outcome).contains("  cpu: oneDNN "), "not cpu: cpu: " + text(outcome));
  }

  @Test
  void aFolderThatIsNotThereIsTold() throws Exception {
    CommandLineRun run = CommandLineRun.of("doctor", "--cuda-libs", folder + "/none");
    assertEquals(1, run.status(), run::err);
    assertEquals("nacre: --cuda-libs: " + folder + "/none: no such folder", run.err().strip());
    Shell.Outcome outcome = doctor(Map.of("NACRE_CUDA_LIBS", folder + "/none"));
    assertEquals(1, outcome.status(), text(outcome));
    assertTrue(text(outcome).contains("NACRE_CUDA_LIBS: " + folder + "/none"), text(outcome));
  }

  @Test
  void moreThreadsThanProcessorsAreTold() throws Exception {
    String text = text(doctor(Map.of("NACRE_THREADS", "999")));
    assertTrue(text.matches("(?s).*999 threads on \\d+ processors, which is slow.*"), text);
  }

  @Test
  void aDriverThatIsTooOldIsNamedWithTheRemedy() throws Exception {
    Path home = simulated("libcuda.so.1", "libnvrtc.so.12", "libcublasLt.so.12", "libcudnn.so.9");
    Shell.Outcome outcome =
        doctor(Map.of("NACRE_CUDA_SIM", home.toString(), "NACRE_SIM_CUDA_VERSION", "12020"));
    assertEquals(0, outcome.status(), text(outcome));
    assertTrue(text(outcome).contains("knows CUDA up to 12.2"), text(outcome));
    assertTrue(text(outcome).contains("install NVIDIA's driver 550"), text(outcome));
  }

  @Test
  void withoutCudnnItSaysHowToGetIt() throws Exception {
    Path home = simulated("libcuda.so.1", "libnvrtc.so.13", "libcublasLt.so.13");
    Shell.Outcome outcome = doctor(Map.of("NACRE_CUDA_SIM", home.toString()));
    assertEquals(0, outcome.status(), text(outcome));
    assertTrue(text(outcome).contains("found    NVIDIA driver"), text(outcome));
    assertTrue(text(outcome).contains("missing  cuDNN"), text(outcome));
    assertTrue(text(outcome).contains("pip install -U nvidia-cudnn-cu13"), text(outcome));
  }

  @Test
  void withoutNcclTheGpuIsUsedAllTheSame() throws Exception {
    Path home = simulated("libcuda.so.1", "libnvrtc.so.13", "libcublasLt.so.13", "libcudnn.so.9");
    // The simulator looks for what kernels are built with beside itself.
    for (String part : List.of("device", "hooks.o")) {
      Files.createSymbolicLink(home.resolve(part), SIMULATOR.resolveSibling(part).toRealPath());
    }
    Shell.Outcome outcome = doctor(Map.of("NACRE_CUDA_SIM", home.toString()));
    assertEquals(0, outcome.status(), text(outcome));
    assertTrue(text(outcome).contains("absent   NCCL"), text(outcome));
    assertTrue(text(outcome).contains("pip install -U nvidia-nccl-cu13"), text(outcome));
    assertTrue(text(outcome).contains("cuda (simulated): "), text(outcome));
  }

  @Test
  void withAllInPlaceTheCardIsChecked() throws Exception {
    assumeTrue(
        Files.isRegularFile(SIMULATOR),
        "the simulated GPU is not built; native/sim/build native/target/sim does it");
    Shell.Outcome outcome = doctor(Map.of("NACRE_CUDA_SIM", SIMULATOR.toRealPath().toString()));
    assertEquals(0, outcome.status(), text(outcome));
    assertFalse(text(outcome).contains("missing"), text(outcome));
    assertTrue(text(outcome).contains("found    NCCL           2.30.7, "), text(outcome));
    assertTrue(text(outcome).contains("cuda (simulated): "), text(outcome));
    assertEquals(2, text(outcome).split("passed", -1).length - 1, text(outcome));
  }
}
