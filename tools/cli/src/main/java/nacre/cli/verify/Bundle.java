package nacre.cli.verify;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A reference bundle: a module's weights, inputs, outputs and gradients in PyTorch, in a folder
 * with {@code case.json} and {@code tensors.safetensors}. Everything is in PyTorch's layouts; keys
 * are {@code weight.…}, {@code input.…}, {@code output.…}, {@code cotangent.…}, {@code
 * grad.input.…}, {@code grad.weight.…}.
 */
final class Bundle implements AutoCloseable {
  static final String WEIGHT = "weight.";
  static final String INPUT = "input.";
  static final String OUTPUT = "output.";
  static final String COTANGENT = "cotangent.";
  static final String GRADIENT = "grad.";

  private final Path folder;
  private final Case description;
  private final StateDict tensors;

  private Bundle(Path folder, Case description, StateDict tensors) {
    this.folder = folder;
    this.description = description;
    this.tensors = tensors;
  }

  /**
   * Opens a bundle.
   *
   * @throws BundleException if there is none, or its {@code case.json} is malformed
   * @throws IOException if a file cannot be read, in one line
   */
  static Bundle open(Path folder) throws IOException {
    Case description = Case.read(folder);
    return new Bundle(folder, description, StateDict.open(folder.resolve("tensors.safetensors")));
  }

  Path folder() {
    return folder;
  }

  Case description() {
    return description;
  }

  /** The parameters, under the names of a checkpoint. The caller does not close them. */
  StateDict weights() {
    return tensors.under(WEIGHT);
  }

  /** The remainders of the keys that begin with {@code prefix}. */
  List<String> names(String prefix) {
    List<String> names = new ArrayList<>();
    for (String key : tensors.entries().keySet()) {
      if (key.startsWith(prefix)) {
        names.add(key.substring(prefix.length()));
      }
    }
    return names;
  }

  boolean has(String key) {
    return tensors.entries().containsKey(key);
  }

  /** Whether the tensor of a key can have a gradient. */
  boolean isFloating(String key) throws BundleException {
    return switch (entry(key).type()) {
      case F64, F32, F16, BF16 -> true;
      default -> false;
    };
  }

  /** The tensor of a key in f32, in the layout of the file. */
  Tensor tensor(String key, Device device) throws BundleException, WeightsException {
    return entry(key).toTensor(device, DType.F32, Layout.SAME);
  }

  /** The tensor of a parameter's key in f32, in the engine's layout of parameters. */
  Tensor parameter(String key, Device device) throws BundleException, WeightsException {
    SafeTensors.Entry entry = entry(key);
    return entry.toTensor(device, DType.F32, Layout.ofParameter(entry.shape()));
  }

  private SafeTensors.Entry entry(String key) throws BundleException {
    SafeTensors.Entry entry = tensors.entries().get(key);
    if (entry == null) {
      throw new BundleException(folder, "has no tensor " + key);
    }
    return entry;
  }

  @Override
  public void close() {
    tensors.close();
  }
}
