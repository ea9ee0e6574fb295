package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;

/**
 * A reference bundle, a folder with the results of PyTorch: see the scripts in tools/lab/reference.
 */
record Bundle(JsonNode config, double tolerance, StateDict tensors, Device device)
    implements AutoCloseable {

  /** This module's own bundles, and those that the command line verifies. */
  private static final List<Path> FOLDERS =
      List.of(
          Path.of("src/test/resources/bundles"),
          Path.of("../tools/cli/src/test/resources/bundles"));

  static Bundle open(String name, Device device) throws IOException {
    Path folder =
        FOLDERS.stream().map(f -> f.resolve(name)).filter(Files::isDirectory).findFirst().get();
    JsonNode json = new JsonMapper().readTree(folder.resolve("case.json").toFile());
    StateDict tensors = StateDict.open(folder.resolve("tensors.safetensors"));
    return new Bundle(json.get("config"), json.get("tolerance").asDouble(), tensors, device);
  }

  int integer(String key) {
    assertTrue(config.path(key).isInt(), key);
    return config.get(key).intValue();
  }

  void loadWeights(Parameters p) throws IOException {
    tensors.under("weight.").loadInto(p.all());
  }

  /** Inputs by name, in the engine's layout, tracked. */
  Map<String, Tensor> inputs() throws IOException {
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    for (String key : tensors.entries().keySet()) {
      if (key.startsWith("input.")) {
        inputs.put(key.substring("input.".length()), tensor(key).track());
      }
    }
    return inputs;
  }

  boolean has(String key) {
    return tensors.entries().containsKey(key);
  }

  /** Four axes are a convolution's weight or an image: no attention operands here. */
  Tensor tensor(String key) throws IOException {
    SafeTensors.Entry entry = tensors.entries().get(key);
    assertTrue(entry != null, key);
    return entry.toTensor(device, DType.F32, Layout.ofParameter(entry.shape()));
  }

  /**
   * Compares values of one kind, as relative error of each; where the wanted norm is below a
   * thousandth of the kind's largest, that thousandth is the divisor.
   */
  void assertClose(Map<String, Tensor> actual) throws IOException {
    double largest = 0;
    Map<String, float[]> wanted = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> entry : actual.entrySet()) {
      Tensor tensor = tensor(entry.getKey());
      assertEquals(tensor.shape(), entry.getValue().shape(), entry.getKey());
      wanted.put(entry.getKey(), tensor.toFloats());
      largest = Math.max(largest, norm(tensor.toFloats(), null));
    }
    List<String> failures = new ArrayList<>();
    for (Map.Entry<String, float[]> entry : wanted.entrySet()) {
      float[] got = actual.get(entry.getKey()).toFloats();
      double scale = Math.max(norm(entry.getValue(), null), largest / 1000);
      double error = norm(entry.getValue(), got) / scale;
      if (!(error <= tolerance)) {
        failures.add(entry.getKey() + " is off by " + error);
      }
    }
    assertEquals(List.of(), failures);
  }

  private static double norm(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      double d = a[i] - (b == null ? 0 : b[i]);
      sum += d * d;
    }
    return Math.sqrt(sum);
  }

  @Override
  public void close() {
    tensors.close();
  }
}
