package nacre.tensor.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import nacre.tensor.cuda.OwnProcess;
import org.junit.jupiter.api.Tag;
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
    assumeTrue(Files.isDirectory(NO_CARD), "native/sim/build native/target/sim was not run");
    String said = ask(gpu);
    assumeTrue(said.startsWith("cuDNN "), said);
    String listed = listed();
    String version = listed.lines().findFirst().orElseThrow();
    assumeTrue(said.startsWith(version + "\n"), "the list is of " + version + ", not of " + said);
    assertEquals(version + "\n" + section(listed, gpu), said);
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

  private static String listed() throws IOException {
    try (InputStream in = PlansTest.class.getResourceAsStream("plans.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String ask(DescribedGpu gpu) throws IOException, InterruptedException {
    String folders = System.getProperty("nacre.cuda.libs", System.getenv("NACRE_CUDA_LIBS"));
    return OwnProcess.run(
        PlannedShapes.class,
        List.of(gpu.name()),
        "-Dnacre.cuda.libs=" + NO_CARD + (folders == null ? "" : File.pathSeparator + folders));
  }
}
