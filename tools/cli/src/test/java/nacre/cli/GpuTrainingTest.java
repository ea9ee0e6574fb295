package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import nacre.neuralassets.model.Preset;
import nacre.weights.AtomicFolder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Training on a GPU as a user does it, each time in a process of its own. */
@Tag("cuda")
class GpuTrainingTest {
  private static final String SIMULATOR = System.getProperty("nacre.cuda.sim");
  private static final int STEPS = 4;

  @TempDir private Path scratch;

  @BeforeEach
  void requireGpu() {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
  }

  private TrainProcess train(String environment, Object... more) throws IOException {
    String gpu = SIMULATOR == null ? "" : "export NACRE_CUDA_SIM='" + SIMULATOR + "'; ";
    Stream<Object> words =
        Stream.of("--device", "cuda", "--out", scratch.resolve("run"), "--steps", STEPS);
    return TrainProcess.start(
        scratch, gpu + environment, Stream.concat(words, Stream.of(more)).toArray());
  }

  private static Map<String, byte[]> files(Path checkpoint) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    for (String name :
        List.of(
            "parameters.safetensors",
            "optimizer.safetensors",
            "ema/unet/diffusion_pytorch_model.safetensors")) {
      files.put(name, Files.readAllBytes(checkpoint.resolve(name)));
    }
    return files;
  }

  /**
   * The first run's steps are computed, captured and replayed; the last of them is taken again
   * without graphs from the checkpoint before it. Of a step in micro-batches one of them is a
   * graph.
   */
  @ParameterizedTest
  @CsvSource({"1, 3", "4, 10"})
  void resumingWithoutGraphsGivesTheBitsOfGraphs(int parts, int replays) throws Exception {
    String json = Preset.builtin("tiny").json();
    String key = "\"training\": {\"gradient_accumulation_steps\": " + parts + ", ";
    Path preset = Files.writeString(scratch.resolve("p"), json.replace("\"training\": {", key));
    // cuDNN takes attention in bf16; our own kernel for f32 is slow where it is simulated.
    Object[] rest = {
      "--preset", preset, "--dtype", "bf16", "--checkpoint-minutes", "1e-9", "--explain"
    };
    try (TrainProcess process = train("", rest)) {
      assertEquals(0, process.await(), process::complaintOrNone);
      String printed = process.printed();
      assertEquals(SIMULATOR != null, printed.contains("simulated on the CPU, for tests only"));
      assertTrue(printed.contains("explain cuda"), printed);
      assertTrue(
          printed
              .lines()
              .anyMatch(l -> l.matches(" *captured steps +graph of \\d+ nodes +" + replays + "×")),
          printed);
    }
    Path last = scratch.resolve("run/checkpoints/step-%09d".formatted(STEPS));
    Map<String, byte[]> wanted = files(last);
    AtomicFolder.delete(last);
    try (TrainProcess process =
        train("", "--preset", preset, "--resume", "--no-graph", "--explain")) {
      assertEquals(0, process.await(), process::complaintOrNone);
      assertTrue(process.printed().contains("after 3 steps"), process.printed());
      assertFalse(process.printed().contains("captured steps"), process.printed());
    }
    files(last).forEach((name, bytes) -> assertArrayEquals(wanted.get(name), bytes, name));
  }

  /** A step's loss is looked at while the next one is computed; nothing of either is kept. */
  @Test
  void whatCannotBeTrainedFromReachesNoCheckpoint() throws Exception {
    String json = Preset.builtin("tiny").json();
    Path preset =
        Files.writeString(
            scratch.resolve("p"),
            json.replaceFirst("\"learning_rate\": [0-9.e-]+", "\"learning_rate\": 1000")
                .replaceFirst("\"weight_decay\": [0-9.e-]+", "\"weight_decay\": 1000"));
    try (TrainProcess process = train("", "--preset", preset, "--dtype", "bf16")) {
      assertEquals(1, process.await(), process::complaintOrNone);
      String complaint = process.complaint();
      assertTrue(
          complaint.matches("(?s).*the loss of step [234] is (NaN|-?Infinity);.*"), complaint);
      assertTrue(complaint.contains("(the last checkpoint is "), complaint);
    }
    try (Stream<Path> all = Files.list(scratch.resolve("run/checkpoints"))) {
      List<String> names = all.map(path -> path.getFileName().toString()).toList();
      assertEquals(List.of("step-000000000"), names);
    }
  }

  /** What tensors alone do not fit into is refused before the first of them. */
  @Test
  void aRunThatDoesNotFitIsRefused() throws Exception {
    assumeTrue(SIMULATOR != null, "only the simulated GPU's memory can be made small");
    try (TrainProcess process = train("export NACRE_SIM_MEMORY=3000000; ")) {
      assertEquals(1, process.await(), process::complaintOrNone);
      String complaint = process.complaint();
      assertTrue(complaint.contains("training needs "), complaint);
      assertTrue(
          complaint.contains("training.gradient_checkpointing, more training.grad"), complaint);
      assertTrue(process.printed().contains("memory  "), process.printed());
    }
  }

  @Test
  void outOfMemorySaysForWhatAndWhatWouldHelp() throws Exception {
    assumeTrue(SIMULATOR != null, "only the simulated GPU's memory can be made small");
    String little = "export NACRE_SIM_MEMORY=30000000; ";
    try (TrainProcess process = train(little)) {
      assertEquals(1, process.await(), process::complaintOrNone);
      String complaint = process.complaint();
      assertEquals(1, complaint.lines().filter(line -> line.startsWith("nacre: ")).count());
      for (String part :
          List.of(
              "cuda (simulated): Linear: out of memory: it asked for 32.0 MiB",
              "tensors hold 4.",
              "of the GPU's 28.6 MiB are free",
              "a smaller batch or resolution, or --dtype bf16, needs less; less is needed with"
                  + " training.gradient_checkpointing, more training.gradient_accumulation_steps",
              "training.optimizer_state int8")) {
        assertTrue(complaint.contains(part), complaint);
      }
    }
  }
}
