package nacre.tensor.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.tensor.cuda.OwnProcess;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What cuDNN makes plans of for each kind of GPU, beside the list that is kept of it, on machines
 * that have cuDNN, NVRTC and cuBLASLt. No GPU is needed, nor a driver: {@code native/sim/build
 * native/target/sim} makes one that finds no GPU, and cuDNN is content with it. In a process of its
 * own, as the simulated GPU serves in this one.
 */
@Tag("cuda")
class PlansTest {
  private static final Path NO_CARD = Path.of("../../native/target/sim/nocard");

  @ParameterizedTest
  @EnumSource
  void cudnnServesWhatIsListed(DescribedGpu gpu) throws IOException, InterruptedException {
    String listed = listed("plans.txt");
    String version = version(listed);
    assertEquals(
        version + "\n" + section(listed, gpu), ask(version, PlannedShapes.class, gpu.name()));
  }

  /** As they are made, and as another process reads them. */
  @Test
  void cudnnServesTheUnetAsIsListed(@TempDir Path folder) throws IOException, InterruptedException {
    String listed = listed("unet.txt");
    List<String> arguments = new ArrayList<>(List.of(folder.toString()));
    listed.lines().skip(1).map(line -> line.split(": ", 2)[0]).forEach(arguments::add);
    for (int i = 0; i < 2; i++) {
      assertEquals(listed, ask(version(listed), UnetPlans.class, arguments.toArray(String[]::new)));
    }
  }

  private static String version(String listed) {
    return listed.lines().findFirst().orElseThrow();
  }

  /** The heading of a GPU and its lines, which end at the next heading. */
  private static String section(String listed, DescribedGpu gpu) {
    StringBuilder section = new StringBuilder();
    boolean inside = false;
    for (String line : listed.lines().toList()) {
      boolean heading = !line.startsWith("conv2d") && !line.startsWith("attention");
      inside = heading ? line.equals(gpu.toString()) : inside;
      if (inside) {
        section.append(line).append('\n');
      }
    }
    return section.toString();
  }

  private static String listed(String file) throws IOException {
    try (InputStream in = PlansTest.class.getResourceAsStream(file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String ask(String version, Class<?> program, String... arguments)
      throws IOException, InterruptedException {
    assumeTrue(Files.isDirectory(NO_CARD), "native/sim/build native/target/sim was not run");
    String folders = System.getProperty("nacre.cuda.libs", System.getenv("NACRE_CUDA_LIBS"));
    String said =
        OwnProcess.run(
            program,
            List.of(arguments),
            "-Dnacre.cuda.libs=" + NO_CARD + (folders == null ? "" : File.pathSeparator + folders));
    assumeTrue(said.startsWith("cuDNN "), said);
    assumeTrue(said.startsWith(version + "\n"), "the list is of " + version + ", not of " + said);
    return said;
  }
}
