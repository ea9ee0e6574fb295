package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The simulated device must fail where a real one would, or what passes on it would mean nothing:
 * {@code native/sim/check} makes each kind of mistake on purpose.
 */
@Tag("cuda")
class SimulatedDeviceTest {
  private static final Path CHECK = Path.of("../../native/sim/check");

  @Test
  void noticesEveryKindOfMistake() throws IOException, InterruptedException {
    assumeTrue(Files.exists(CHECK), "the GPU check's archive has no simulated device");
    assumeTrue(
        Arrays.stream(System.getenv("PATH").split(":"))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "g++"))),
        "the simulated device needs g++");
    Process check =
        new ProcessBuilder("bash", CHECK.toString(), "target/sim")
            .redirectErrorStream(true)
            .start();
    String output = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, check.waitFor(), output);
  }
}
