package nacre.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;

/**
 * A copy of the tiny Stable Diffusion of export_tiny_sd.py, to be changed.
 *
 * @param root its folder
 */
record TinyModel(Path root) {
  static final Path RESOURCES = Path.of("src/test/resources/tiny-sd");

  /** Copies the folder. */
  static TinyModel copyTo(Path root) throws IOException {
    return new TinyModel(copy(RESOURCES.resolve("model"), root));
  }

  /** Copies a folder with all that is in it, and returns the copy. */
  static Path copy(Path model, Path root) throws IOException {
    try (Stream<Path> all = Files.walk(model)) {
      for (Path file : (Iterable<Path>) all::iterator) {
        Path copy = root.resolve(model.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(copy);
        } else {
          Files.write(copy, Files.readAllBytes(file));
        }
      }
    }
    return root;
  }

  /** Patches a JSON file as RFC 7396 has it, a null removing its key; creates one where missing. */
  TinyModel patch(String name, JsonNode changes) throws IOException {
    JsonMapper json = new JsonMapper();
    Path file = root.resolve(name);
    ObjectNode before =
        Files.exists(file) ? (ObjectNode) json.readTree(file.toFile()) : json.createObjectNode();
    Files.writeString(file, merge(before, changes).toString());
    return this;
  }

  /** As {@link #patch(String, JsonNode)}, with single quotes for double ones. */
  TinyModel patch(String name, String changes) throws IOException {
    return patch(name, new JsonMapper().readTree(changes.replace('\'', '"')));
  }

  private static ObjectNode merge(ObjectNode target, JsonNode changes) {
    for (Map.Entry<String, JsonNode> change : changes.properties()) {
      if (change.getValue().isNull()) {
        target.remove(change.getKey());
      } else if (change.getValue().isObject()) {
        ObjectNode inner =
            target.path(change.getKey()).isObject()
                ? (ObjectNode) target.get(change.getKey())
                : target.objectNode();
        target.set(change.getKey(), merge(inner, change.getValue()));
      } else {
        target.set(change.getKey(), change.getValue());
      }
    }
    return target;
  }

  /** Writes a file of weights anew in f32, with one tensor more. */
  TinyModel add(String name, String tensor, Supplier<Tensor> added) throws IOException {
    Path file = root.resolve(name);
    Path changed = root.resolve("changed.safetensors");
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(file)) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      for (Map.Entry<String, SafeTensors.Entry> entry : dict.entries().entrySet()) {
        Tensor before = entry.getValue().toTensor(Device.cpu(), DType.F32, Layout.SAME);
        writer.add(entry.getKey(), before, Layout.SAME);
      }
      writer.add(tensor, added.get(), Layout.SAME);
      writer.write(changed);
    }
    Files.move(changed, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    return this;
  }

  /**
   * Writes a file of weights anew in f32.
   *
   * @param name such as {@code unet/diffusion_pytorch_model.safetensors}
   * @param tensor whose name ends so
   * @param change what becomes of it, in PyTorch's layout
   */
  TinyModel change(String name, String tensor, UnaryOperator<Tensor> change) throws IOException {
    Path file = root.resolve(name);
    Path changed = root.resolve("changed.safetensors");
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(file)) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      int hits = 0;
      for (Map.Entry<String, SafeTensors.Entry> entry : dict.entries().entrySet()) {
        Tensor before = entry.getValue().toTensor(Device.cpu(), DType.F32, Layout.SAME);
        boolean hit = entry.getKey().endsWith(tensor);
        hits += hit ? 1 : 0;
        writer.add(entry.getKey(), hit ? change.apply(before) : before, Layout.SAME);
      }
      if (hits == 0) {
        throw new IllegalArgumentException("no tensor " + tensor);
      }
      writer.write(changed);
    }
    Files.move(changed, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    return this;
  }
}
