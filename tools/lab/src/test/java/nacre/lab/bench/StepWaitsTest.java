package nacre.lab.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.StepNumbers;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Settings;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How often the host waits for a GPU while it trains, as the simulated one counts it. */
@Tag("cuda")
class StepWaitsTest {
  private static final int STEPS = 6;

  /** What the simulated GPU counted so far. */
  private record Counts(long waits, long downloads) {
    Counts since(Counts before) {
      return new Counts(waits - before.waits, downloads - before.downloads);
    }
  }

  @SuppressWarnings("restricted") // the library is the one that the device computes with
  private static Counts counts(Path simulator) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment function =
          SymbolLookup.libraryLookup(simulator, arena).find("nacre_sim_host").orElseThrow();
      MethodHandle handle =
          Linker.nativeLinker()
              .downcallHandle(
                  function, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.ADDRESS));
      MemorySegment both = arena.allocate(ValueLayout.JAVA_LONG, 2);
      handle.invokeExact(both, both.asSlice(8));
      return new Counts(
          both.getAtIndex(ValueLayout.JAVA_LONG, 0), both.getAtIndex(ValueLayout.JAVA_LONG, 1));
    }
  }

  private static Preset preset(int parts) throws IOException {
    Preset tiny = Preset.builtin("tiny");
    String json =
        tiny.json()
            .replaceFirst("\"batch_size\": \\d+", "\"batch_size\": 2")
            .replace(
                "\"training\": {",
                "\"training\": {\"gradient_accumulation_steps\": " + parts + ",");
    return Preset.of("tiny", json);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void onceAStepAndAStepLate(int parts) throws Throwable {
    Optional<Path> simulator = Settings.ofProcess().cudaSimulator();
    assumeTrue(simulator.isPresent(), "no simulated GPU");
    Preset preset = preset(parts);
    List<Double> late = new ArrayList<>();
    try (Trainer trainer = new Trainer(preset, Device.of("cuda"), DType.BF16, 3)) {
      PairBatch batch = TrainStepBench.batch(preset, TrainStepBench.data(preset), trainer);
      StepNumbers last = null;
      for (int step = 0; step < STEPS; step++) {
        Counts before = counts(simulator.get());
        trainer.begin(batch, 1e-3);
        StepNumbers begun = trainer.numbers();
        Counts begin = counts(simulator.get()).since(before);
        if (last != null) {
          late.add(last.loss());
          late.add(last.gradientNorm());
        }
        Counts all = counts(simulator.get()).since(before);
        if (step > 2) { // the first are computed, captured, and find room for what is uploaded
          assertEquals(new Counts(0, 1), begin, "step " + step);
          assertTrue(all.waits <= 1 && all.downloads == 1, all.toString());
        }
        last = begun;
      }
    }
    assertArrayEquals(eachAtOnce(preset), late.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Loss and norm of all steps but the last, each waited for before the next is begun. */
  private static double[] eachAtOnce(Preset preset) {
    double[] numbers = new double[2 * (STEPS - 1)];
    try (Trainer trainer = new Trainer(preset, Device.of("cuda"), DType.BF16, 3)) {
      PairBatch batch = TrainStepBench.batch(preset, TrainStepBench.data(preset), trainer);
      for (int step = 0; step < STEPS - 1; step++) {
        numbers[2 * step] = trainer.step(batch, 1e-3);
        numbers[2 * step + 1] = trainer.gradientNorm();
      }
    }
    assertTrue(numbers[0] > 0 && numbers[0] != numbers[2]);
    return numbers;
  }
}
