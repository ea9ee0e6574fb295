package nacre.cli.reference;

import static nacre.tensor.ops.Reshape.reshape;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Objective;
import nacre.neuralassets.training.StepInputs;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
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
    Arrays.fill(keep, 1);
    Conditioning kept = withKeep(keep);
    Arrays.fill(kept.keepSource(), 1);
    return kept;
  }

  /**
   * Whether it is of a model with keys of variants.py, which may ask for more of a source frame.
   */
  private boolean isVariant() {
    return tensors.entries().containsKey("input.source_poses");
  }

  private Conditioning withKeep(float[] keep) throws IOException {
    float[] boxes = floats("input.boxes");
    int slots = boxes.length / keep.length / 4;
    float[] source = floats("input.source");
    float[] poses = floats("input.poses");
    float[] background = floats("input.background_pose");
    return isVariant()
        ? new Conditioning(
            preset.imageSize(),
            slots,
            source,
            boxes,
            floats("input.source_poses"),
            poses,
            background,
            keep,
            floats("input.keep_source"))
        : new Conditioning(preset.imageSize(), slots, source, boxes, poses, background, keep);
  }

  int[] timesteps() throws IOException {
    float[] values = floats("input.timestep");
    int[] timesteps = new int[values.length];
    for (int i = 0; i < timesteps.length; i++) {
      timesteps[i] = Math.round(values[i]);
    }
    return timesteps;
  }

  /** The loss of the whole batch. */
  Tensor loss(NeuralAssets model) throws IOException {
    return loss(model, 0, 1);
  }

  /** The loss of one of the parts into which the batch is cut. */
  Tensor loss(NeuralAssets model, int part, int parts) throws IOException {
    Objective objective = new Objective(model);
    Conditioning all = conditioning();
    int count = all.batch() / parts;
    int from = part * count;
    int[] timesteps = Arrays.copyOfRange(timesteps(), from, from + count);
    Tensor weights = errorWeights(all, model.device());
    boolean sees = preset.seesSource();
    return objective.loss(
        new StepInputs(
            model.prepare(all.slice(from, count)),
            model.samples().encode(rows("input.target", model, from, count)),
            preset.vae().isEmpty() ? null : rows("input.latent_noise", model, from, count),
            sees ? model.samples().encode(rows("input.source", model, from, count)) : null,
            sees ? reshape(rows("input.keep_source", model, from, count), count, 1, 1, 1) : null,
            objective.timesteps(timesteps),
            rows("input.noise", model, from, count),
            weights == null ? null : weights.rows(from, from + count)));
  }

  private Tensor rows(String key, NeuralAssets model, int from, int count) throws IOException {
    return tensor(key, model.device()).rows(from, from + count);
  }

  /** Factors on the errors, of the target frames' boxes; null without {@code object_weight}. */
  private Tensor errorWeights(Conditioning all, Device device) throws IOException {
    double weight = preset.training().objectWeight();
    if (weight == 1) {
      return null;
    }
    int count = all.batch();
    PairBatch pairs =
        new PairBatch(
            all,
            floats("input.target"),
            floats("input.target_boxes"),
            new int[count],
            new float[count][]);
    Shape images = Shape.of(count, all.size(), all.size(), 3);
    return Tensor.of(device, images, pairs.errorWeights(weight));
  }

  @Override
  public void close() {
    tensors.close();
  }
}
