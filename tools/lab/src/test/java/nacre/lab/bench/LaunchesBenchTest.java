package nacre.lab.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import nacre.cli.Nacre;
import nacre.tensor.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a step of the whole model puts on a GPU of 132 multiprocessors, as {@code nacre bench
 * launches} counts it on the simulated one. Upper bounds: whoever needs fewer lowers them.
 */
class LaunchesBenchTest {
  /** A row of the table. */
  private record Row(String operation, long launches, double bytes) {
    static Row read(String line) {
      String[] cells = line.split("\\|");
      double bytes = Double.parseDouble(cells[4]) + Double.parseDouble(cells[5]);
      return new Row(cells[1].strip(), Long.parseLong(cells[3].strip()), bytes);
    }
  }

  private static final Path LISTED =
      Path.of("../../tensor/cuda/src/test/resources/nacre/tensor/cuda/cudnn/unet.txt");

  @TempDir Path folder;

  @Test
  void aStepOfSampling() throws IOException, InterruptedException {
    List<String> said = count("unet-sample-64-b2");
    List<Row> rows = rows(said);
    assertAtMost(387, 4.6, of(rows, "all"));
    assertEquals(32, of(rows, "attention").launches, "two in each of 16 transformer blocks");
    List<String> convolutions =
        said.stream().filter(line -> line.startsWith("  plans, Convolution ")).toList();
    assertEquals(1, convolutions.size(), said.toString());
    assertTrue(convolutions.getFirst().endsWith("engine 51, notes [0]       35×"), said.toString());
    assertNoConvolutionIsCompiledInVain();
  }

  private void assertLayersAreNamed() throws IOException {
    List<String> open = new ArrayList<>();
    Set<String> seen = new TreeSet<>();
    for (String line : Files.readAllLines(log())) {
      if (line.equals("NVTX: end")) {
        open.removeLast();
      } else if (line.startsWith("NVTX: ")) {
        open.add(line.substring("NVTX: ".length()));
        seen.add(String.join("/", open));
      }
    }
    assertEquals(List.of(), open, "what began has ended");
    String unet = "UNet2DConditionModel/";
    assertTrue(seen.contains(unet + "mid_block.resnets.1"), seen.toString());
    String attention = unet + "down_blocks.1.attentions.0";
    String block = "down_blocks.1.attentions.0.transformer_blocks.0";
    assertTrue(seen.contains(attention + "/" + block), seen.toString());
    assertTrue(seen.contains("backward"), seen.toString());
  }

  /** What cuDNN itself answers for each that it is asked for, on each kind of GPU, is listed. */
  private void assertNoConvolutionIsCompiledInVain() throws IOException {
    String question = "cuDNN's heuristics are asked for ";
    Set<String> asked =
        Files.readAllLines(log()).stream()
            .filter(line -> line.startsWith(question))
            .map(line -> line.substring(question.length()))
            .collect(Collectors.toCollection(TreeSet::new));
    Map<String, String> listed = new TreeMap<>();
    for (String line : Files.readAllLines(LISTED)) {
      if (line.contains(": ")) {
        String[] parts = line.split(": ", 2);
        listed.put(parts[0], parts[1]);
      }
    }
    assertEquals(String.join("\n", asked), String.join("\n", listed.keySet()), "as in " + LISTED);
    for (Map.Entry<String, String> one : listed.entrySet()) {
      for (String answer : one.getValue().split("; ")) {
        boolean inVain =
            one.getKey().startsWith("convolution")
                && answer.contains("compiled")
                && !answer.endsWith(", no other");
        assertFalse(inVain || answer.endsWith("none"), one.getKey() + ": " + answer);
      }
    }
  }

  /** As the simulated libraries write down what takes real ones seconds. */
  @Test
  void theFirstStepOfAFreshProcessCompilesNothingWhatAnotherCompiled()
      throws IOException, InterruptedException {
    count("unet-sample-64-b2");
    List<String> cold = Files.readAllLines(log());
    assertTrue(cold.contains("NVRTC compiles a program"), cold.toString());
    assertTrue(cold.contains("cuDNN makes a plan, engine 4, compiled"), cold.toString());
    long plans = cold.stream().filter(line -> line.startsWith("cuDNN makes a plan")).count();
    Files.delete(log());
    count("unet-sample-64-b2");
    List<String> warm = Files.readAllLines(log());
    assertEquals(plans, warm.stream().filter(line -> line.contains("reads a plan")).count());
    assertEquals(plans, warm.size(), "reads plans, and nothing else: " + warm); // no NVTX, either
  }

  @Test
  void aStepOfTraining() throws IOException, InterruptedException {
    List<Row> rows = rows(count("unet-averaged-32-b32", "NACRE_NVTX", "on"));
    assertLayersAreNamed();
    assertAtMost(1608, 88.3, of(rows, "all"));
    Set<String> many = Set.of("cast", "castAll", "sumOfSquares", "adamW", "lerp");
    long launches =
        rows.stream().filter(row -> many.contains(row.operation)).mapToLong(Row::launches).sum();
    assertTrue(launches > 0 && launches <= 13, launches + " of casts, norm, AdamW and averages");
  }

  private Path log() {
    return folder.resolve("log");
  }

  private static void assertAtMost(long launches, double gigabytes, Row row) {
    assertTrue(row.launches > 0 && row.launches <= launches, row.toString());
    assertTrue(row.bytes > 0 && row.bytes <= gigabytes, row.toString());
  }

  private static Row of(List<Row> rows, String operation) {
    return rows.stream().filter(row -> row.operation.equals(operation)).findFirst().orElseThrow();
  }

  /** In a process of its own, whose simulated device computes nothing. */
  private List<String> count(String work, String... setting)
      throws IOException, InterruptedException {
    Optional<Path> simulator = Settings.ofProcess().cudaSimulator();
    assumeTrue(simulator.isPresent(), "no simulated GPU");
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Nacre.class.getName(),
            "bench",
            "launches",
            "--work",
            work);
    builder.environment().put("NACRE_CUDA_SIM", simulator.get().toString());
    builder.environment().put("NACRE_SIM_COUNT", "on");
    builder.environment().put("NACRE_SIM_MEMORY", Long.toString(128L << 30));
    builder.environment().put("NACRE_SIM_MULTIPROCESSORS", "132");
    builder.environment().put("NACRE_CACHE", folder.resolve("cache").toString());
    builder.environment().put("NACRE_SIM_LOG", log().toString());
    for (int i = 0; i < setting.length; i += 2) {
      builder.environment().put(setting[i], setting[i + 1]);
    }
    builder.redirectErrorStream(true);
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), said);
    return said.lines().toList();
  }

  private static List<Row> rows(List<String> said) {
    return said.stream().filter(line -> line.matches("\\| \\w+ \\| \\d.*")).map(Row::read).toList();
  }
}
