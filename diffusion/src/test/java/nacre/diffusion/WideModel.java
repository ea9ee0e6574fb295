package nacre.diffusion;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;

/** Copies of a model whose UNet has 9 channels, as export_inpainting.py makes it. */
final class WideModel {
  private static final String WEIGHTS = "unet/diffusion_pytorch_model.safetensors";
  private static final String FIRST = "conv_in.weight";

  private WideModel() {}

  /** Copies a model as it is. */
  static Path copy(Path model, Path copy) throws IOException {
    try (Stream<Path> all = Files.walk(model)) {
      for (Path file : (Iterable<Path>) all::iterator) {
        Path to = copy.resolve(model.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(to);
        } else {
          Files.copy(file, to);
        }
      }
    }
    return copy;
  }

  /** Writes such a copy. */
  static Path write(Path model, Path target) throws IOException {
    Path copy = copy(model, target);
    Path config = copy.resolve("unet/config.json");
    String json = Files.readString(config);
    Files.writeString(config, json.replace("\"in_channels\": 4", "\"in_channels\": 9"));
    try (StateDict dict = StateDict.open(model.resolve(WEIGHTS));
        Scope _ = Scope.open()) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      dict.entries()
          .forEach(
              (name, entry) -> {
                if (!name.equals(FIRST)) {
                  writer.add(name, List.of(entry), entry.shape(), entry.type());
                }
              });
      Tensor first = dict.entries().get(FIRST).toTensor(Device.cpu(), DType.F32, Layout.SAME);
      writer.add(FIRST, widened(first), Layout.SAME).write(copy.resolve(WEIGHTS));
    }
    return copy;
  }

  /** {@code [O, 4, 3, 3] → [O, 9, 3, 3]}. */
  private static Tensor widened(Tensor first) {
    float[] before = first.toFloats();
    int filters = first.dim(0);
    float[] values = new float[filters * 9 * 9];
    for (int i = 0; i < values.length; i++) {
      int filter = i / 81;
      int within = i % 81;
      values[i] = within < 36 ? before[filter * 36 + within] : further(filter * 45 + within - 36);
    }
    return Tensor.of(first.device(), Shape.of(filters, 9, 3, 3), values);
  }

  private static float further(int i) {
    return ((7 * i + 3) % 17 - 8) / 32f;
  }
}
