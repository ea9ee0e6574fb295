package nacre.diffusion.schedule;

import static nacre.tensor.ops.Affine.scale;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole runs of every class, in every combination of settings, against those of diffusers
 * (export_schedulers.py, export_scheduler_grids.py), and the combinations that it refuses. {@code
 * nacre verify} runs the same bundles on every device.
 */
class SchedulerBundlesTest {
  private static final Device CPU = Device.cpu();
  private static final Path RESOURCES = Path.of("../tools/cli/src/test/resources");
  private static final Path BUNDLES = RESOURCES.resolve("bundles");
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  /** Keys of a bundle that are none of the scheduler's. */
  private static final List<String> OF_THE_RUN =
      List.of("num_inference_steps", "eta", "strength", "variants");

  /** The start, and what the model says and which noise is drawn at each step. */
  private record Inputs(Tensor sample, Map<String, float[]> all) {
    Tensor like(String name, int step) {
      int size = (int) sample.shape().elements();
      float[] part = Arrays.copyOfRange(all.get(name), step * size, (step + 1) * size);
      return Tensor.of(CPU, sample.shape(), part);
    }
  }

  @BeforeEach
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterEach
  void nothingIsLeft() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
  }

  static List<String> bundles() throws IOException {
    return JSON.readTree(BUNDLES.resolve("manifest.json").toFile()).properties().stream()
        .filter(bundle -> bundle.getValue().asText().endsWith("Scheduler"))
        .map(Map.Entry::getKey)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void runsAreThoseOfDiffusers(String bundle) throws IOException {
    JsonNode description = JSON.readTree(BUNDLES.resolve(bundle).resolve("case.json").toFile());
    SchedulerKind kind = Schedulers.ofClass(description.get("module").textValue());
    double tolerance = description.get("tolerance").doubleValue();
    List<Executable> checks = new ArrayList<>();
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(BUNDLES.resolve(bundle).resolve("tensors.safetensors"))) {
      Map<String, float[]> values = new LinkedHashMap<>();
      for (String name : dict.entries().keySet()) {
        values.put(name, read(dict, name).toFloats());
      }
      Inputs inputs = new Inputs(read(dict, "input.sample"), values);
      Map<String, float[]> computed = new LinkedHashMap<>();
      variants(description.get("config"))
          .forEach((prefix, config) -> run(kind, config, inputs, prefix, computed));
      values.keySet().stream()
          .filter(name -> name.startsWith("output."))
          .forEach(
              name ->
                  checks.add(
                      () -> assertClose(values.get(name), computed.get(name), tolerance, name)));
    }
    assertTrue(checks.size() > 1);
    assertAll(checks);
  }

  private static Tensor read(StateDict dict, String name) throws WeightsException {
    return dict.entries().get(name).toTensor(CPU, DType.F32, Layout.SAME);
  }

  /** The configs of a bundle's runs by what the names of their outputs begin with. */
  private static Map<String, ObjectNode> variants(JsonNode config) {
    if (!config.has("variants")) {
      return Map.of("output.", (ObjectNode) config);
    }
    return config.get("variants").properties().stream()
        .collect(
            Collectors.toMap(
                variant -> "output." + variant.getKey() + ".",
                variant -> {
                  ObjectNode merged = config.deepCopy();
                  return merged.setAll((ObjectNode) variant.getValue());
                }));
  }

  private static void run(
      SchedulerKind kind,
      ObjectNode config,
      Inputs inputs,
      String prefix,
      Map<String, float[]> computed) {
    Scheduler scheduler = scheduler(kind, config);
    try (Scope _ = Scope.open()) {
      int first =
          config.has("strength") ? scheduler.beginIndex(config.get("strength").asDouble()) : 0;
      Tensor x = inputs.sample();
      if (first > 0) {
        x = scheduler.addNoise(first, x, inputs.like("input.start_noise", 0));
      } else if (config.has("variants")) {
        x = scale(x, scheduler.initNoiseSigma());
      }
      List<float[]> scaled = new ArrayList<>();
      List<float[]> after = new ArrayList<>();
      float[] timesteps = new float[scheduler.steps() - first];
      History history = scheduler.start(first);
      for (int i = first; i < scheduler.steps(); i++) {
        timesteps[i - first] = (float) scheduler.timestep(i);
        scaled.add(scheduler.scaleModelInput(i, x).toFloats());
        // None where none is asked for: a scheduler must not use it.
        Tensor noise = scheduler.isStochastic(i) ? inputs.like("input.noise", i) : null;
        x = scheduler.step(i, inputs.like("input.model_output", i), x, noise, history);
        after.add(x.toFloats());
      }
      computed.put(prefix + "timesteps", timesteps);
      computed.put(prefix + "scaled_inputs", joined(scaled));
      computed.put(prefix + "prev_samples", joined(after));
    }
  }

  private static Scheduler scheduler(SchedulerKind kind, ObjectNode config) {
    ObjectNode own = config.deepCopy();
    own.remove(OF_THE_RUN);
    int steps = config.path("num_inference_steps").asInt(6);
    return Scheduler.of(SchedulerConfig.of(own, kind), steps)
        .withEta(config.path("eta").asDouble(0));
  }

  private static float[] joined(List<float[]> parts) {
    int size = parts.getFirst().length;
    float[] all = new float[parts.size() * size];
    for (int i = 0; i < parts.size(); i++) {
      System.arraycopy(parts.get(i), 0, all, i * size, size);
    }
    return all;
  }

  private static void assertClose(float[] wanted, float[] actual, double tolerance, String what) {
    assertEquals(wanted.length, actual.length, what);
    double error = 0;
    double norm = 0;
    for (int i = 0; i < wanted.length; i++) {
      error += Math.pow((double) actual[i] - wanted[i], 2);
      norm += Math.pow(wanted[i], 2);
    }
    assertTrue(
        error <= tolerance * tolerance * norm, what + " is off by " + Math.sqrt(error / norm));
  }

  static Stream<String> classes() throws IOException {
    return refused().map(config -> config.get("_class_name").textValue()).distinct();
  }

  private static Stream<JsonNode> refused() throws IOException {
    return JSON.readTree(RESOURCES.resolve("refused-schedulers.json").toFile()).valueStream();
  }

  @ParameterizedTest
  @MethodSource("classes")
  void whatDiffusersRefusesIsRefused(String className) throws IOException {
    List<JsonNode> accepted =
        refused()
            .filter(config -> config.get("_class_name").textValue().equals(className))
            .filter(config -> !isRefused((ObjectNode) config))
            .toList();
    assertEquals(List.of(), accepted);
  }

  private static boolean isRefused(ObjectNode config) {
    try {
      scheduler(Schedulers.ofClass(config.get("_class_name").textValue()), config);
      return false;
    } catch (IllegalArgumentException e) {
      return e.getMessage().startsWith("scheduler: ");
    }
  }

  @Test
  void everyClassHasItsRuns() throws IOException {
    List<String> modules =
        JSON.readTree(BUNDLES.resolve("manifest.json").toFile())
            .valueStream()
            .map(JsonNode::asText)
            .toList();
    List<String> without =
        Schedulers.builtIn().stream()
            .map(SchedulerKind::className)
            .filter(name -> !modules.contains(name))
            .toList();
    assertEquals(List.of(), without);
  }
}
