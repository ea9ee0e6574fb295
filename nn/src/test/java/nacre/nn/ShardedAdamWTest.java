package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Ranks that are threads, beside one optimizer that is given the mean gradients. */
class ShardedAdamWTest {
  private static final Device CPU = Device.cpu();
  private static final int STEPS = 6;

  /** Of a bucket of 6,000 elements: cut anywhere, in several buckets, smaller than a block. */
  private static final Map<String, Shape> SHAPES = new LinkedHashMap<>();

  static {
    SHAPES.put("conv.weight", Shape.of(8, 3, 3, 100));
    SHAPES.put("conv.bias", Shape.of(8));
    SHAPES.put("linear.weight", Shape.of(70, 61));
    SHAPES.put("never.bias", Shape.of(300)); // it has no gradient
    SHAPES.put("linear.bias", Shape.of(1));
  }

  private static final AdamW.Config CONFIG = AdamW.Config.defaults().withMaxNorm(0.5);
  private static final List<AdamW.Group> GROUPS =
      List.of(new AdamW.Group(name -> name.endsWith("bias"), 2, 0));

  @TempDir Path folder;

  private static Map<String, Tensor> parameters(DType dtype) {
    Map<String, Tensor> made = new LinkedHashMap<>();
    SHAPES.forEach(
        (name, shape) -> {
          Tensor f32 = Tensor.empty(CPU, DType.F32, shape);
          CPU.backend().normal(1, made.size(), f32);
          Tensor parameter = Tensor.empty(CPU, dtype, shape);
          CPU.backend().cast(f32, parameter);
          made.put(name, parameter);
        });
    return made;
  }

  /** What one of several ranks finds, or the mean of all for rank −1. */
  private static Map<Tensor, Tensor> gradients(
      Map<String, Tensor> parameters, int step, int rank, int ranks) {
    Map<Tensor, Tensor> made = new IdentityHashMap<>();
    int number = 0;
    for (Map.Entry<String, Tensor> entry : parameters.entrySet()) {
      number++;
      if (entry.getKey().startsWith("never")) {
        continue;
      }
      Tensor sum = Tensor.zeros(CPU, DType.F32, entry.getValue().shape());
      for (int r = 0; r < ranks; r++) {
        if (rank == r || rank < 0) {
          Tensor one = Tensor.empty(CPU, DType.F32, sum.shape());
          CPU.backend().normal(100 + r, 50L * step + number, one);
          CPU.backend().mix(sum, 1, one, rank < 0 ? 1.0 / ranks : 1, sum);
        }
      }
      made.put(entry.getValue(), sum);
    }
    return made;
  }

  private static Map<String, float[]> values(Map<String, Tensor> tensors) {
    Map<String, float[]> values = new HashMap<>();
    tensors.forEach((name, tensor) -> values.put(name, tensor.toFloats()));
    return values;
  }

  /** Parameters and state after some steps, and the last norm. */
  private record Result(
      Map<String, float[]> parameters, Map<String, float[]> state, double norm, long bytes) {}

  /** Steps of one optimizer that is not sharded, with the means of so many ranks. */
  private static Result alone(int ranks, AdamW.Config config) {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> parameters = parameters(DType.F32);
      AdamW optimizer = new AdamW(parameters, config, GROUPS);
      optimizer.setLearningRate(0.01);
      for (int step = 0; step < STEPS; step++) {
        Map<Tensor, Tensor> gradients = gradients(parameters, step, -1, ranks);
        optimizer.step(gradients::get);
      }
      return new Result(
          values(parameters),
          values(optimizer.state()),
          optimizer.gradientNorm(),
          optimizer.stateBytes());
    }
  }

  /** What one rank does. */
  @FunctionalInterface
  private interface Work<T> {
    T of(int rank, ThreadRanks group) throws Exception;
  }

  private static <T> List<T> together(int ranks, Work<T> work) throws Exception {
    ThreadRanks.Group group = new ThreadRanks.Group(ranks);
    List<T> results = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(ranks)) {
      List<Future<T>> futures = new ArrayList<>();
      for (int rank = 0; rank < ranks; rank++) {
        int mine = rank;
        futures.add(threads.submit(() -> work.of(mine, new ThreadRanks(group, mine))));
      }
      for (Future<T> future : futures) {
        results.add(future.get());
      }
    }
    return results;
  }

  private static void steps(
      ShardedAdamW optimizer, Map<String, Tensor> parameters, int from, int to, int rank, int of) {
    boolean sums = optimizer.sharding() == Sharding.OPTIMIZER;
    for (int step = from; step < to; step++) {
      try (Scope _ = Scope.open()) {
        Map<Tensor, Tensor> gradients = gradients(parameters, step, sums ? -1 : rank, of);
        if (!sums) { // as backward passes them, some of them
          Tensor bias = parameters.get("linear.bias");
          optimizer.ready(bias, gradients.get(bias));
        }
        optimizer.step(gradients::get);
      }
    }
  }

  private static Result sharded(
      int ranks, int rank, ThreadRanks group, Sharding sharding, AdamW.Config config) {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> parameters = parameters(DType.F32);
      ShardedAdamW optimizer =
          new ShardedAdamW(parameters, config, GROUPS, group, sharding, DType.F32, 6000);
      optimizer.setLearningRate(0.01);
      steps(optimizer, parameters, 0, STEPS, rank, ranks);
      return new Result(
          values(parameters),
          values(optimizer.state()),
          optimizer.gradientNorm(),
          optimizer.stateBytes());
    }
  }

  private static void assertClose(
      Map<String, float[]> wanted, Map<String, float[]> got, float tolerance) {
    assertEquals(wanted.keySet(), got.keySet());
    wanted.forEach((name, values) -> assertArrayEquals(values, got.get(name), tolerance, name));
  }

  private static void assertSameBits(Map<String, float[]> one, Map<String, float[]> other) {
    assertEquals(one.keySet(), other.keySet());
    one.forEach((name, values) -> assertArrayEquals(values, other.get(name), name));
  }

  @ParameterizedTest
  @CsvSource({"1,OPTIMIZER", "2,OPTIMIZER", "4,OPTIMIZER", "1,GRADIENTS", "2,GRADIENTS"})
  void isAdamWOfTheMeanGradients(int ranks, Sharding sharding) throws Exception {
    Result wanted = alone(ranks, CONFIG);
    List<Result> results =
        together(ranks, (rank, group) -> sharded(ranks, rank, group, sharding, CONFIG));
    for (Result result : results) {
      assertClose(wanted.parameters, result.parameters, 2e-6f);
      assertClose(wanted.state, result.state, 2e-6f);
      assertEquals(wanted.norm, result.norm, 1e-5 * wanted.norm);
      assertSameBits(results.getFirst().parameters, result.parameters);
      assertSameBits(results.getFirst().state, result.state);
    }
  }

  @Test
  void eachHoldsItsPartOfTheMoments() throws Exception {
    long whole = alone(4, CONFIG).bytes - 4L * SHAPES.size(); // but for the counts of steps
    List<Result> results =
        together(4, (rank, group) -> sharded(4, rank, group, Sharding.GRADIENTS, CONFIG));
    long held = 0;
    for (Result result : results) {
      // Parameters are cut at 256 elements, of two moments of 4 bytes, in three buckets at most.
      assertTrue(result.bytes <= whole / 4 + 3 * 256 * 8 + 64, result.bytes + " of " + whole);
      held += result.bytes;
    }
    assertTrue(held >= whole, held + " of " + whole);
  }

  @Test
  void codesOfMomentsAreThoseOfOneRank() throws Exception {
    AdamW.Config coded = CONFIG.withMoments(AdamW.Moments.INT8);
    Result wanted = alone(2, coded);
    List<Result> results =
        together(2, (rank, group) -> sharded(2, rank, group, Sharding.OPTIMIZER, coded));
    assertTrue(wanted.state.containsKey("m_scales.conv.weight"));
    for (Result result : results) {
      assertEquals(wanted.state.keySet(), result.state.keySet());
      wanted.state.forEach(
          (name, values) -> assertEquals(values.length, result.state.get(name).length, name));
      // A norm of other rounding moves a code to its neighbor here and there.
      assertClose(wanted.parameters, result.parameters, 2e-3f);
      assertSameBits(results.getFirst().parameters, result.parameters);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"OPTIMIZER", "GRADIENTS"})
  void aStateOfTwoRanksGoesOnWithFour(Sharding sharding) throws Exception {
    Result wanted = alone(4, CONFIG);
    Path weights = folder.resolve("parameters.safetensors");
    Path state = folder.resolve("optimizer.safetensors");
    together(
        2,
        (rank, group) -> {
          try (Scope _ = Scope.open()) {
            Map<String, Tensor> parameters = parameters(DType.F32);
            ShardedAdamW optimizer =
                new ShardedAdamW(
                    parameters, CONFIG, GROUPS, group, Sharding.OPTIMIZER, DType.F32, 6000);
            optimizer.setLearningRate(0.01);
            steps(optimizer, parameters, 0, 3, -1, 4);
            Map<String, Tensor> saved = optimizer.state(_ -> rank == 0);
            assertEquals(rank == 0, !saved.isEmpty());
            if (rank == 0) {
              new SafeTensorsWriter().addParameters(parameters).write(weights);
              new SafeTensorsWriter().addParameters(saved).write(state);
            }
            return null;
          }
        });
    List<Map<String, float[]>> results =
        together(
            4,
            (rank, group) -> {
              try (Scope _ = Scope.open()) {
                Map<String, Tensor> parameters = parameters(DType.F32);
                load(weights, parameters);
                ShardedAdamW optimizer =
                    new ShardedAdamW(parameters, CONFIG, GROUPS, group, sharding, DType.F32, 2000);
                try (StateDict saved = StateDict.open(state)) {
                  optimizer.load(saved);
                }
                optimizer.setLearningRate(0.01);
                steps(optimizer, parameters, 3, STEPS, rank, 4);
                return values(parameters);
              }
            });
    for (Map<String, float[]> result : results) {
      assertClose(wanted.parameters, result, 2e-6f);
      assertSameBits(results.getFirst(), result);
    }
    try (Scope _ = Scope.open()) { // and with one that is not sharded
      Map<String, Tensor> parameters = parameters(DType.F32);
      load(weights, parameters);
      AdamW one = new AdamW(parameters, CONFIG, GROUPS);
      try (StateDict saved = StateDict.open(state)) {
        one.load(saved);
      }
      one.setLearningRate(0.01);
      for (int step = 3; step < STEPS; step++) {
        one.step(gradients(parameters, step, -1, 4)::get);
      }
      assertClose(wanted.parameters, values(parameters), 2e-6f);
    }
  }

  private static void load(Path file, Map<String, Tensor> into) throws IOException {
    try (StateDict saved = StateDict.open(file)) {
      saved.loadInto(into);
    }
  }

  @Test
  void parametersInBf16HaveMastersThatLoseNothing() throws Exception {
    Result exact = alone(2, CONFIG);
    Path file = folder.resolve("optimizer.safetensors");
    List<Map<String, float[]>> results =
        together(
            2,
            (rank, group) -> {
              try (Scope _ = Scope.open()) {
                Map<String, Tensor> parameters = parameters(DType.BF16);
                ShardedAdamW optimizer =
                    new ShardedAdamW(
                        parameters, CONFIG, GROUPS, group, Sharding.GRADIENTS, DType.F32, 6000);
                optimizer.setLearningRate(1e-5); // far below what bf16 would see
                steps(optimizer, parameters, 0, STEPS, rank, 2);
                Map<String, Tensor> state = optimizer.state();
                if (rank == 0) {
                  new SafeTensorsWriter().addParameters(state).write(file);
                }
                Map<String, float[]> both = values(parameters);
                float[] master = state.get("master.linear.weight").toFloats();
                both.put("master", master);
                Map<String, Tensor> first = parameters(DType.BF16);
                both.put("first", first.get("linear.weight").toFloats());
                return both;
              }
            });
    assertSameBits(results.get(0), results.get(1));
    float[] master = results.getFirst().get("master");
    float[] first = results.getFirst().get("first");
    assertEquals(exact.parameters.get("linear.weight").length, master.length);
    int moved = 0;
    for (int i = 0; i < master.length; i++) {
      moved += master[i] != first[i] ? 1 : 0;
      assertEquals(first[i], master[i], 1e-4f);
    }
    assertTrue(moved > master.length * 9 / 10, moved + " of " + master.length + " moved");
  }

  @Test
  void anotherModelsStateIsRefused() throws Exception {
    Path file = folder.resolve("other.safetensors");
    List<String> messages =
        together(
            1,
            (_, group) -> {
              try (Scope _ = Scope.open()) {
                Map<String, Tensor> parameters = parameters(DType.F32);
                ShardedAdamW optimizer =
                    new ShardedAdamW(
                        parameters, CONFIG, GROUPS, group, Sharding.OPTIMIZER, DType.F32);
                Map<String, Tensor> state = optimizer.state();
                state.remove("m.linear.bias");
                new SafeTensorsWriter().addParameters(state).write(file);
                try (StateDict saved = StateDict.open(file)) {
                  return assertThrows(WeightsException.class, () -> optimizer.load(saved))
                      .getMessage();
                }
              }
            });
    assertTrue(messages.getFirst().contains("m.linear.bias"), messages.getFirst());
  }
}
