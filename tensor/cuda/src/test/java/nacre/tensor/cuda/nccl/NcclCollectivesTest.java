package nacre.tensor.cuda.nccl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import nacre.tensor.TestDevices;
import nacre.tensor.cuda.driver.CudaDevice;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** NCCL's interface among processes, each with a simulated GPU. */
@Tag("cuda")
class NcclCollectivesTest {
  @TempDir Path folder;

  /** What a rank printed, and how it ended. */
  private record End(int status, List<String> lines) {
    String last() {
      return lines.isEmpty() ? "" : lines.getLast();
    }
  }

  /**
   * Runs a case of {@link RankProgram}.
   *
   * @param ofLast variables of the last rank
   */
  private List<End> run(String name, int ranks, Map<String, String> ofLast)
      throws IOException, InterruptedException {
    assumeTrue(
        TestDevices.gpu().isPresent() && CudaDevice.isSimulated(),
        "the simulated gpu is not built: native/sim/build native/target/sim");
    Path meeting = Files.createTempDirectory(folder, name);
    List<Process> processes = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1"));
      command.add("-Dnacre.cuda.sim=" + System.getProperty("nacre.cuda.sim"));
      command.addAll(List.of("-cp", System.getProperty("java.class.path")));
      command.add(RankProgram.class.getName());
      command.addAll(List.of(name, "" + rank, "" + ranks, meeting.toString()));
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.redirectError(meeting.resolve("errors-" + rank).toFile());
      builder.redirectOutput(meeting.resolve("output-" + rank).toFile());
      builder.environment().put("NACRE_SIM_THREADS", "1");
      builder.environment().put("NACRE_SIM_NCCL_TIMEOUT", "60");
      if (rank == ranks - 1) {
        builder.environment().putAll(ofLast);
      }
      processes.add(builder.start());
    }
    List<End> ends = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      int status = processes.get(rank).waitFor();
      String text =
          Files.readString(meeting.resolve("output-" + rank), StandardCharsets.UTF_8)
              + Files.readString(meeting.resolve("errors-" + rank), StandardCharsets.UTF_8);
      ends.add(new End(status, text.lines().toList()));
    }
    return ends;
  }

  private static String row(double... values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return Arrays.toString(floats);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void allRanksHaveTheSameValues(int ranks) throws Exception {
    List<End> ends = run("values", ranks, Map.of());
    double all = ranks == 2 ? 11 : 1111;
    for (int rank = 0; rank < ranks; rank++) {
      List<String> wanted = new ArrayList<>(List.of("NCCL 2.30.7"));
      for (int type = 0; type < 3; type++) {
        wanted.add(row(all, 2 * all, 3 * all, 4 * all));
      }
      wanted.add(row(ranks == 2 ? 11 : 1112)); // bf16 has 8 bits, and 1111 is none of its numbers
      double mean = all / ranks;
      wanted.add(row(mean, 2 * mean));
      String scattered = row((2 * rank + 1) * mean, (2 * rank + 2) * mean);
      wanted.add(scattered);
      wanted.add(scattered);
      double[] bytes = new double[2 * ranks];
      double[] gathered = new double[2 * ranks];
      for (int i = 0; i < 2 * ranks; i++) {
        bytes[i] = i / 2 + 5;
        gathered[i] = (i + 1) * mean;
      }
      wanted.add(row(bytes));
      wanted.add(row(gathered));
      long sent = 0;
      for (int root = 0; root < ranks; root++) {
        double ten = Math.pow(10, root);
        wanted.add(row(ten, 2 * ten));
        sent += rank == (root + ranks - 1) % ranks ? 0 : 4;
      }
      for (int tensor : new int[] {16, 16, 32, 2, 8}) {
        sent += 2L * tensor * (ranks - 1) / ranks;
      }
      for (int part : new int[] {8, 8, 2, 8}) {
        sent += part * (ranks - 1L);
      }
      wanted.add("" + sent);
      assertEquals(0, ends.get(rank).status(), ends.toString());
      assertEquals(wanted, ends.get(rank).lines());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void aCapturedStepExchangesAtEachReplay(int ranks) throws Exception {
    List<End> ends = run("step", ranks, Map.of());
    for (End end : ends) {
      assertEquals(0, end.status(), ends.toString());
      for (int run = 0; run < 5; run++) {
        // The mean of squares over ranks, and the mean of the squares themselves.
        double squares = 0;
        for (int rank = 0; rank < ranks; rank++) {
          squares += Math.pow(run + 1 + rank, 2);
        }
        double value = 2 * squares / ranks;
        assertEquals(row(value, value, value, value), end.lines().get(run));
      }
      long each = 2L * 16 * (ranks - 1) / ranks + 2L * 16 / ranks * (ranks - 1);
      assertEquals("" + 5 * each, end.lines().get(5));
      assertEquals("true", end.lines().get(6), "it was no graph");
    }
  }

  @Test
  void anotherOrderIsTold() throws Exception {
    List<End> ends = run("order", 2, Map.of());
    for (End end : ends) {
      assertEquals(3, end.status(), ends.toString());
      assertTrue(end.last().contains("all-reduce 1, of 2 f32"), end.last());
      assertTrue(end.last().contains("broadcast 1, of 2 f32 from rank 1"), end.last());
    }
  }

  @Test
  void otherSizesAreTold() throws Exception {
    for (End end : run("sizes", 2, Map.of())) {
      assertEquals(3, end.status(), end.toString());
      assertTrue(end.last().contains("of 8 f32") && end.last().contains("of 9 f32"), end.last());
    }
  }

  @Test
  void otherTypesAreTold() throws Exception {
    for (End end : run("types", 2, Map.of())) {
      assertEquals(3, end.status(), end.toString());
      assertTrue(end.last().contains("of 8 f32") && end.last().contains("of 8 i32"), end.last());
    }
  }

  /** The rank that says so first is gone for the other, which may say that instead. */
  @Test
  void anExchangeThatIsNotJoinedCannotBeCaptured() throws Exception {
    List<End> ends = run("unjoined", 2, Map.of());
    String unjoined = "CUDA_ERROR_STREAM_CAPTURE_UNJOINED";
    assertTrue(ends.stream().anyMatch(end -> end.last().contains(unjoined)), ends.toString());
    for (End end : ends) {
      assertEquals(3, end.status(), end.toString());
      assertTrue(end.last().contains(unjoined) || end.last().contains(" is lost"), end.last());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void aLostRankEndsTheOthers(int ranks) throws Exception {
    long start = System.nanoTime();
    List<End> ends = run("lost", ranks, Map.of());
    assertEquals(9, ends.get(1).status(), ends.toString());
    for (int rank = 0; rank < ranks; rank++) {
      if (rank != 1) {
        End end = ends.get(rank);
        assertEquals(3, end.status(), end.toString());
        assertTrue(
            end.last().startsWith("CollectiveException: nccl: rank " + rank + " of " + ranks),
            end.last());
        assertTrue(end.last().contains("rank 1 is lost"), end.last());
      }
    }
    assertTrue(System.nanoTime() - start < 55e9, "they waited for it");
  }

  @Test
  void whoWaitsForARankThatHangsCanGiveUp() throws Exception {
    List<End> ends = run("hung", 2, Map.of());
    assertEquals(3, ends.get(0).status(), ends.toString());
    assertTrue(ends.get(0).last().endsWith("the exchange was given up"), ends.toString());
  }

  @Test
  void ranksOfTwoVersionsAreTold() throws Exception {
    for (End end : run("values", 2, Map.of("NACRE_SIM_NCCL_VERSION", "22805"))) {
      assertEquals(3, end.status(), end.toString());
      assertTrue(
          end.last().contains("nccl: version 2.30.7 on rank 0, 2.28.5 on rank 1"), end.last());
    }
  }

  @Test
  void aRankWithoutNcclIsTold() throws Exception {
    for (End end : run("values", 2, Map.of("NACRE_SIM_NCCL_VERSION", "21805"))) {
      assertEquals(3, end.status(), end.toString());
      assertTrue(end.last().contains("nccl: rank 1: NCCL: "), end.last());
      assertTrue(end.last().contains("2.18.5, and 2.20 or later is needed"), end.last());
    }
  }
}
