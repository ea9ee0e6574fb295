package nacre.cli.verify;

import static nacre.tensor.ops.Cast.cast;

import java.io.IOException;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Scope;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;

/**
 * The verification of a bundle: it runs the module and compares every output and gradient that the
 * bundle has. The forward pass runs as in inference, with prepacked parameters in the computing
 * dtype, and if there are gradients once more as in training, recorded and with parameters in f32.
 * These take different paths through the engine; the worse result counts.
 */
final class Verification {
  private final Bundle bundle;
  private final Device device;
  private final DType dtype;
  private final Tolerance tolerance;

  /**
   * A verification of a bundle.
   *
   * @param dtype the dtype to compute in
   */
  Verification(Bundle bundle, Device device, DType dtype, Tolerance tolerance) {
    this.bundle = bundle;
    this.device = device;
    this.dtype = dtype;
    this.tolerance = tolerance;
  }

  /**
   * One comparison for each tensor.
   *
   * @throws IOException if the bundle cannot be read, or does not fit its module
   * @throws IllegalArgumentException likewise
   */
  List<Comparison> run() throws IOException {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> inputs = new LinkedHashMap<>();
      for (String name : bundle.names(Bundle.INPUT)) {
        inputs.put(name, bundle.tensor(Bundle.INPUT + name, device));
      }
      Map<String, Comparison> results = infer(inputs);
      if (results.isEmpty()) {
        throw new BundleException(bundle.folder(), "has no outputs to compare");
      }
      if (!bundle.names(Bundle.COTANGENT).isEmpty()) {
        differentiate(inputs, results);
      } else if (!bundle.names(Bundle.GRADIENT).isEmpty()) {
        throw new BundleException(bundle.folder(), "has gradients but no cotangents");
      }
      return List.copyOf(results.values());
    }
  }

  private Map<String, Comparison> infer(Map<String, Tensor> inputs) throws IOException {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(device, dtype).frozen();
      Subject subject = ModuleRegistry.create(bundle, p, dtype);
      p.prepack();
      return outputs(forward(subject, inputs));
    }
  }

  private Map<String, Tensor> forward(Subject subject, Map<String, Tensor> inputs) {
    Inputs arguments = new Inputs(bundle.description().module(), inputs, dtype);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    subject.forward(arguments).forEach((name, y) -> outputs.put(name, cast(y, DType.F32)));
    return outputs;
  }

  private Map<String, Comparison> outputs(Map<String, Tensor> computed) throws IOException {
    Map<String, Tensor> expected = new LinkedHashMap<>();
    Map<String, Tensor> actual = new LinkedHashMap<>();
    for (String name : bundle.names(Bundle.OUTPUT)) {
      String key = Bundle.OUTPUT + name;
      if (!computed.containsKey(name)) {
        throw new BundleException(
            bundle.folder(), key + " is none of the module's outputs " + computed.keySet());
      }
      expected.put(key, bundle.tensor(key, device));
      actual.put(key, computed.get(name));
    }
    return compare(expected, actual, tolerance.outputs(), Tolerance.ZERO);
  }

  private void differentiate(Map<String, Tensor> inputs, Map<String, Comparison> results)
      throws IOException {
    Parameters p = Parameters.unwritten(device, DType.F32);
    Subject subject = ModuleRegistry.create(bundle, p, dtype);
    for (Map.Entry<String, Tensor> input : inputs.entrySet()) {
      if (bundle.isFloating(Bundle.INPUT + input.getKey())) {
        input.getValue().track();
      }
    }
    try (Tape tape = Tape.open()) {
      Map<String, Tensor> computed = forward(subject, inputs);
      outputs(computed).forEach((key, result) -> results.merge(key, result, Comparison::worse));
      Map<Tensor, Tensor> cotangents = new IdentityHashMap<>();
      for (String name : bundle.names(Bundle.COTANGENT)) {
        Tensor output = computed.get(name);
        Tensor cotangent = bundle.tensor(Bundle.COTANGENT + name, device);
        if (output == null || !output.shape().equals(cotangent.shape())) {
          throw new BundleException(
              bundle.folder(),
              "cotangent."
                  + name
                  + " is "
                  + cotangent.describe()
                  + ", output "
                  + (output == null ? "missing" : output.describe()));
        }
        cotangents.put(output, cotangent);
      }
      results.putAll(gradients(tape.backward(cotangents), p, inputs));
    }
  }

  private Map<String, Comparison> gradients(
      Gradients gradients, Parameters p, Map<String, Tensor> inputs) throws IOException {
    Map<String, Tensor> expected = new LinkedHashMap<>();
    Map<String, Tensor> actual = new LinkedHashMap<>();
    for (String name : bundle.names(Bundle.GRADIENT)) {
      String key = Bundle.GRADIENT + name;
      Tensor leaf;
      if (name.startsWith(Bundle.WEIGHT)) {
        String parameter = name.substring(Bundle.WEIGHT.length());
        String module = bundle.description().module();
        leaf = p.all().get(ModuleRegistry.parameter(module, parameter));
        expected.put(key, bundle.parameter(key, device));
      } else if (name.startsWith(Bundle.INPUT)) {
        leaf = inputs.get(name.substring(Bundle.INPUT.length()));
        expected.put(key, bundle.tensor(key, device));
      } else {
        leaf = null;
      }
      if (leaf == null) {
        throw new BundleException(bundle.folder(), key + " belongs to no input and no weight");
      }
      actual.put(key, gradients.of(leaf));
    }
    return compare(expected, actual, tolerance.gradients(), tolerance.floor());
  }

  /** Compares tensors of one kind. */
  private Map<String, Comparison> compare(
      Map<String, Tensor> expected, Map<String, Tensor> actual, double allowed, double floor) {
    Map<String, float[]> wanted = new LinkedHashMap<>();
    expected.forEach((key, tensor) -> wanted.put(key, tensor.toFloats()));
    double largest = wanted.values().stream().mapToDouble(Comparison::norm).max().orElse(0);
    Map<String, Comparison> results = new LinkedHashMap<>();
    wanted.forEach(
        (key, values) -> {
          Tensor tensor = actual.get(key);
          boolean comparable = tensor != null && tensor.shape().equals(expected.get(key).shape());
          results.put(
              key,
              comparable
                  ? Comparison.of(key, tensor.toFloats(), values, floor * largest, allowed)
                  : Comparison.absent(
                      String.format(
                          Locale.ROOT,
                          "%s: computed %s, in the bundle %s",
                          key,
                          tensor == null ? "nothing" : tensor.shape(),
                          expected.get(key).shape()),
                      allowed));
        });
    return results;
  }
}
