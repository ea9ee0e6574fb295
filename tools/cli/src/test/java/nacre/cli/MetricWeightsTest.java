package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.evaluation.EditCase;
import nacre.evaluation.Rgb;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.evaluation.metric.Metric;
import nacre.evaluation.metric.MetricNetwork;
import nacre.evaluation.metric.MetricWeights;
import nacre.evaluation.metric.Metrics;
import nacre.evaluation.metric.SetMetric;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code nacre eval --metrics … --weights …}, through small networks of random weights. */
class MetricWeightsTest {
  private static final Path MODEL = Path.of("../../models/demo");
  private static final Path NN = Path.of("../../nn/src/test/resources");
  private static final Path VIT = Path.of("../../evaluation/src/test/resources/metrics/vit");
  private static final Path INCEPTION = NN.resolve("inception/model.safetensors");
  private static final int CASES = 4;

  /** Metrics of single pictures, with the network that each looks through. */
  private static final List<String> METRICS =
      List.of(
          "lpips-alex",
          "lpips-vgg",
          "lpips-vgg-torchmetrics",
          "lpips-squeeze",
          "dino",
          "dino-whole",
          "dino-patches");

  @TempDir Path folder;

  private final List<Object> weights = new ArrayList<>();
  private MetricWeights known = MetricWeights.none(Device.cpu());

  @BeforeEach
  void writeWeights() throws IOException {
    for (MetricNetwork network :
        List.of(MetricNetwork.ALEX, MetricNetwork.VGG, MetricNetwork.SQUEEZE)) {
      add(network, withHeads(network.toString(), 1));
    }
    add(MetricNetwork.DINO, VIT);
    add(MetricNetwork.INCEPTION, INCEPTION);
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private void add(MetricNetwork network, Path path) {
    weights.addAll(List.of("--weights", network + "=" + path));
    known = known.with(network, path);
  }

  /** A trunk with its heads in one file, as a whole state of LPIPS has them, times a factor. */
  private Path withHeads(String net, float times) throws IOException {
    Path file = folder.resolve(net + times + ".safetensors");
    try (Scope _ = Scope.open();
        StateDict trunk = StateDict.open(NN.resolve("lpips/" + net), "model");
        StateDict heads = StateDict.open(NN.resolve("lpips/" + net), "heads")) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      for (String name : trunk.entries().keySet()) {
        writer.add(name, read(trunk, name, 1), Layout.SAME);
      }
      for (String name : heads.entries().keySet()) {
        writer.add(name, read(heads, name, times), Layout.SAME);
      }
      writer.write(file);
    }
    return file;
  }

  private static Tensor read(StateDict dict, String name, float times) throws IOException {
    Tensor tensor = Tensor.empty(Device.cpu(), DType.F32, dict.entries().get(name).shape());
    dict.entries().get(name).copyTo(tensor, Layout.SAME);
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      values[i] *= times;
    }
    tensor.copyFrom(values);
    return tensor;
  }

  private CommandLineRun eval(Object... more) {
    List<Object> words = new ArrayList<>(List.of("eval", "--model", MODEL, "--steps", 1));
    words.addAll(List.of("--guidance", 1, "--benchmark", CASES, "--baseline", "copy", "--json"));
    words.addAll(List.of("--level", "image", "--out", folder.resolve("out")));
    words.addAll(List.of(more));
    return CommandLineRun.of(words.toArray());
  }

  private static List<EditCase> cases() throws IOException {
    DataConfig data = Scenes.dataOf(ModelFolder.preset(MODEL));
    int samples = data.rendering().orElseThrow().samplesPerSide();
    return EditBenchmark.cases(CASES, 64, data.slots(), samples);
  }

  private static float[] source(EditCase one) {
    return Rgb.floats(one.view().clip().rgb(one.view().source()));
  }

  /** The values of copying, which are known: those of the source frames. */
  @Test
  void everyMetricOfANetworkHasItsValues() throws IOException {
    List<Object> words = new ArrayList<>(weights);
    words.addAll(List.of("--metrics", String.join(",", METRICS) + ",fid-64,fid-torch-fidelity"));
    words.addAll(List.of("--report", folder.resolve("report.html")));
    CommandLineRun run = eval(words.toArray());
    assertEquals(0, run.status(), run::err);
    JsonNode copy = new JsonMapper().readTree(run.out()).path("methods").get(1);
    assertEquals("copy", copy.path("name").asText());
    String page = Files.readString(folder.resolve("report.html"));
    try (Scope _ = Scope.open()) {
      for (int i = 0; i < METRICS.size(); i++) {
        Metric metric = Metrics.named(METRICS.get(i), known);
        double sum = 0;
        for (EditCase one : cases()) {
          sum += metric.of(source(one), Rgb.floats(one.truth()), 1, one.size())[0];
        }
        JsonNode got = copy.path("metrics").get(i);
        assertEquals(metric.name(), got.path("name").asText());
        assertEquals(sum / CASES, got.path("mean").asDouble(), 1e-6, metric.name());
        assertTrue(page.contains("<br>" + metric.name() + " "), metric.name());
        assertFalse(page.contains("<br>" + metric.name() + " –"), metric.name());
      }
      for (String name : List.of("fid-64", "fid-torch-fidelity")) {
        SetMetric fid = Metrics.setNamed(name, known);
        for (EditCase one : cases()) {
          fid.add(source(one), Rgb.floats(one.truth()), 1, one.size(), one.size());
        }
        assertTrue(fid.value() > 0);
        assertEquals(fid.value(), setValue(copy, fid.name()), 1e-6 * fid.value(), name);
      }
    }
  }

  private static double setValue(JsonNode method, String name) {
    for (JsonNode one : method.path("metrics")) {
      if (one.path("name").asText().equals(name)) {
        return one.path("mean").asDouble();
      }
    }
    throw new AssertionError(name + " is not in " + method);
  }

  /** The same pictures, not drawn again, through heads of twice the weight. */
  @Test
  void otherWeightsHaveOtherValues() throws IOException {
    CommandLineRun once = eval("--metrics", "lpips-alex", weights.get(0), weights.get(1));
    assertEquals(0, once.status(), once::err);
    Path twice = withHeads("alex", 2);
    CommandLineRun again = eval("--metrics", "lpips-alex", "--weights", "alex=" + twice);
    assertEquals(0, again.status(), again::err);
    assertEquals(2 * mean(once), mean(again), 1e-6);
  }

  private static double mean(CommandLineRun run) throws IOException {
    JsonNode model = new JsonMapper().readTree(run.out()).path("methods").get(0);
    return model.path("metrics").get(0).path("mean").asDouble();
  }

  @Test
  void weightsThatDoNotFitAreRefusedInALine() {
    CommandLineRun trunk = eval("--metrics", "lpips-vgg", "--weights", "vgg=" + INCEPTION);
    assertEquals(1, trunk.status());
    assertEquals(1, trunk.complaints().size(), trunk::err);
    assertTrue(trunk.err().contains("wanted is the VGG16 (not its variant"), trunk::err);
    CommandLineRun vit = eval("--metrics", "dino", "--weights", "dino=" + folder);
    assertEquals(1, vit.status());
    assertEquals(1, vit.complaints().size(), vit::err);
    CommandLineRun fid = eval("--metrics", "psnr,fid", "--weights", "inception=" + VIT);
    assertEquals(1, fid.status());
    assertTrue(fid.err().contains("pytorch-fid or torch-fidelity"), fid::err);
  }
}
