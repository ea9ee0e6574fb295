package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import nacre.distributed.Mpirun;
import nacre.nn.Sharding;
import nacre.tensor.DType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Two ranks that train together: on the host by MPI, and on GPUs by NCCL in a captured step. */
@EnabledIf("nacre.distributed.Mpirun#isHere")
class RankStepTest {
  /** What came of it: parameters and state after all steps, and the bytes that a rank sent. */
  private record Result(double[] parameters, double[] state, long sent) {}

  @TempDir private Path scratch;

  private Result train(String device, Sharding sharding, DType wire) throws Exception {
    Mpirun mpirun = Mpirun.of(2).environment("NACRE_SIM_THREADS", "1");
    String simulator = System.getProperty("nacre.cuda.sim");
    if (simulator != null) {
      mpirun.java("-Dnacre.cuda.sim=" + simulator);
    }
    Path folder = Files.createTempDirectory(scratch, device);
    Mpirun.Outcome outcome =
        mpirun.run(
            RankStepProgram.class.getName(),
            List.of(device, sharding.name(), wire.name(), folder.toString()));
    assertEquals(0, outcome.status(), outcome.text());
    List<String> lines = Files.readAllLines(folder.resolve("rank-0"));
    List<String> others = Files.readAllLines(folder.resolve("rank-1"));
    for (String what : List.of("parameters", "state", "sent")) { // the same bits on both ranks
      assertEquals(value(lines, what), value(others, what), what);
    }
    boolean gpu = device.equals("cuda");
    assertEquals("" + gpu, value(lines, "graph"));
    assertTrue(value(lines, "library").startsWith(gpu ? "NCCL" : "Open MPI"), lines.getLast());
    return new Result(
        numbers(value(lines, "parameters")),
        numbers(value(lines, "state")),
        Long.parseLong(value(lines, "sent")));
  }

  private static String value(List<String> lines, String key) {
    return lines.stream()
        .filter(line -> line.startsWith(key + " "))
        .findFirst()
        .orElseThrow()
        .substring(key.length() + 1);
  }

  private static double[] numbers(String row) {
    return Arrays.stream(row.split(" ")).mapToDouble(Double::parseDouble).toArray();
  }

  @ParameterizedTest
  @CsvSource({"NONE,F32", "NONE,BF16", "OPTIMIZER,F32", "GRADIENTS,F32", "GRADIENTS,BF16"})
  @Tag("cuda")
  void aCapturedStepWithNcclIsThatOfTheHost(Sharding sharding, DType wire) throws Exception {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
    Result host = train("cpu", sharding, wire);
    Result gpu = train("cuda", sharding, wire);
    // AdamW divides by roots of small numbers; what bf16 rounds the other way is seen in moments.
    double tolerance = wire == DType.F32 ? 2e-5 : 2e-3;
    assertArrayEquals(host.parameters, gpu.parameters, tolerance);
    assertArrayEquals(host.state, gpu.state, tolerance);
    assertEquals(host.sent, gpu.sent);
  }

  /** Of gradients half the bytes; parameters are gathered as they are. */
  @ParameterizedTest
  @EnumSource(names = {"NONE", "GRADIENTS"})
  void bf16OnTheWireHalvesGradientsAndRoundsThem(Sharding sharding) throws Exception {
    Result wide = train("cpu", sharding, DType.F32);
    Result narrow = train("cpu", sharding, DType.BF16);
    long gradients = 2 * (wide.sent - narrow.sent);
    assertEquals(sharding == Sharding.NONE ? wide.sent : (wide.sent - 5 * 4) / 2, gradients);
    assertArrayEquals(wide.state, narrow.state, 2e-3);
    assertTrue(!Arrays.equals(wide.state, narrow.state));
  }

  /** The others wait for it on their devices, and not in MPI. */
  @ParameterizedTest
  @ValueSource(strings = {"cpu", "cuda"})
  void aRankThatOthersWaitForOnTheirDevicesIsNamed(String device) throws Exception {
    assumeTrue(device.equals("cpu") || TestGpu.find().isPresent(), "there is no GPU");
    Mpirun mpirun = Mpirun.of(2).java("-Dnacre.rank.timeout=5");
    mpirun.environment("NACRE_SIM_THREADS", "1").environment("NACRE_SIM_NCCL_TIMEOUT", "100");
    String simulator = System.getProperty("nacre.cuda.sim");
    if (simulator != null) {
      mpirun.java("-Dnacre.cuda.sim=" + simulator);
    }
    Mpirun.Outcome outcome = mpirun.run(RankHangProgram.class.getName(), List.of(device));
    assertEquals(3, outcome.status(), outcome.text());
    List<String> told = outcome.text().lines().filter(l -> l.startsWith("failed: ")).toList();
    assertEquals(1, told.size(), outcome.text());
    assertTrue(told.getFirst().startsWith("failed: rank 1 (process "), outcome.text());
    assertTrue(told.getFirst().contains("hangs: others wait for it since"), outcome.text());
  }
}
