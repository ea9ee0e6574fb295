package nacre.lab.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Trainer;
import nacre.nn.AdamW;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Activation;
import nacre.tensor.ops.RandomNormal;
import nacre.tensor.ops.Reduce;

/** The works that {@code nacre bench threads} times: small ones, whose operations take little. */
enum ThreadWork {
  TRAIN_TINY("train-tiny", "training step, preset tiny"),
  TRAIN_DEMO("train-demo", "training step, preset demo"),
  VIT("vit", "small ViT, 16 images of 32×32, width 64"),
  VIT_TRAIN("vit-train", "training step of the small ViT"),
  VIT_TRAIN_1("vit-train-1", "the same of 2 images");

  private final String id;
  private final String title;

  ThreadWork(String id, String title) {
    this.id = id;
    this.title = title;
  }

  /** The name on the command line. */
  String id() {
    return id;
  }

  /** The description. */
  String title() {
    return title;
  }

  static ThreadWork of(String id) {
    return Arrays.stream(values())
        .filter(work -> work.id.equals(id))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    String.format(
                        Locale.ROOT,
                        "bench: %s is not known; known are %s",
                        id,
                        Arrays.stream(values())
                            .map(ThreadWork::id)
                            .collect(Collectors.joining(", ")))));
  }

  /** Builds what is needed, in the current scope or for as long as the process. */
  Runnable prepare(Device device) {
    return switch (this) {
      case TRAIN_TINY -> training("tiny", device);
      case TRAIN_DEMO -> training("demo", device);
      case VIT -> inference(device, 16);
      case VIT_TRAIN -> vitTraining(device, 16);
      case VIT_TRAIN_1 -> vitTraining(device, 2);
    };
  }

  private static Runnable training(String name, Device device) {
    Preset preset = Preset.builtin(name);
    Trainer trainer = new Trainer(preset, device, 0);
    PairBatch batch = TrainStepBench.batch(preset, TrainStepBench.data(preset), trainer);
    return () -> trainer.step(batch, 1e-4);
  }

  private static VitConfig config() {
    return new VitConfig(64, 4, 4, 256, "gelu", 1e-6, 32, 4, 3, true);
  }

  private static Tensor images(Device device, int count) {
    return RandomNormal.normal(device, Shape.of(count, 32, 32, 3), 1, 0);
  }

  private static Runnable inference(Device device, int count) {
    Parameters parameters = Parameters.create(device, DType.F32, 0).frozen();
    Vit vit = new Vit(parameters, config());
    parameters.prepack();
    Tensor images = images(device, count);
    return () -> {
      try (Scope _ = Scope.open()) {
        vit.forward(images);
      }
    };
  }

  private static Runnable vitTraining(Device device, int count) {
    Parameters parameters = Parameters.create(device, DType.F32, 0);
    Vit vit = new Vit(parameters, config());
    AdamW optimizer = new AdamW(parameters.trainable(), 1e-4);
    Tensor images = images(device, count);
    return () -> optimizer.minimize(() -> Reduce.mean(Activation.square(vit.forward(images))));
  }
}
