package nacre.cli.reference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.Preset;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;

/** A whole training step as PyTorch took it: tools/lab/reference/export_train_step.py. */
record TrainStepBundle(Preset preset, double tolerance, StateDict tensors)
    implements AutoCloseable {
  private static final Path FOLDER = Path.of("src/test/resources/bundles");

  static TrainStepBundle open(String name) throws IOException {
    Path folder = FOLDER.resolve(name);
    JsonNode json = new JsonMapper().readTree(folder.resolve("case.json").toFile());
    return new TrainStepBundle(
        Preset.of(name, json.get("config").toString()),
        json.get("tolerance").doubleValue(),
        StateDict.open(folder.resolve("tensors.safetensors")));
  }

  /** A tensor in the engine's layout: four axes are an image or a convolution's weight. */
  Tensor tensor(String key, Device device) throws IOException {
    SafeTensors.Entry entry = tensors.entries().get(key);
    if (entry == null) {
      throw new IOException("the bundle has no " + key);
    }
    return entry.toTensor(device, DType.F32, Layout.ofParameter(entry.shape()));
  }

  /** The values of {@link #tensor}. */
  float[] floats(String key) throws IOException {
    try (Scope _ = Scope.open()) {
      return tensor(key, Device.reference()).toFloats();
    }
  }

  /** The values of all tensors whose names begin so, by the rest of their names. */
  Map<String, float[]> all(String prefix) throws IOException {
    Map<String, float[]> all = new TreeMap<>();
    for (String key : tensors.entries().keySet()) {
      if (key.startsWith(prefix)) {
        all.put(key.substring(prefix.length()), floats(key));
      }
    }
    return all;
  }

  Conditioning conditioning() throws IOException {
    return withKeep(floats("input.keep"));
  }

  /** The conditioning of the bundle's sampling: nothing is dropped. */
  Conditioning keptConditioning() throws IOException {
    float[] keep = floats("input.keep");
    java.util.Arrays.fill(keep, 1);
    return withKeep(keep);
  }

  private Conditioning withKeep(float[] keep) throws IOException {
    float[] boxes = floats("input.boxes");
    return new Conditioning(
        preset.imageSize(),
        boxes.length / keep.length / 4,
        floats("input.source"),
        boxes,
        floats("input.poses"),
        floats("input.background_pose"),
        keep);
  }

  int[] timesteps() throws IOException {
    float[] values = floats("input.timestep");
    int[] timesteps = new int[values.length];
    for (int i = 0; i < timesteps.length; i++) {
      timesteps[i] = Math.round(values[i]);
    }
    return timesteps;
  }

  @Override
  public void close() {
    tensors.close();
  }
}
