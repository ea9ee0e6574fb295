package nacre.evaluation.metric;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.StateDict;

/** What PyTorch and SciPy computed: tools/lab/reference/export_metrics.py. */
final class Expected {
  static final Path FOLDER = Path.of("src/test/resources/metrics");

  private static final JsonNode VALUES = values();

  private Expected() {}

  private static JsonNode values() {
    try {
      return new JsonMapper().readTree(FOLDER.resolve("values.json").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static double value(String name) {
    if (!VALUES.has(name)) {
      throw new IllegalArgumentException("no value " + name);
    }
    return VALUES.get(name).doubleValue();
  }

  /** A tensor's elements, images as [N, H, W, C]. */
  static float[] tensor(String file, String name) throws IOException {
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(FOLDER, file)) {
      var disk = dict.entries().get(name).shape();
      Layout layout = Layout.ofParameter(disk);
      Tensor tensor = Tensor.empty(Device.cpu(), DType.F32, layout.memory(disk));
      dict.entries().get(name).copyTo(tensor, layout);
      return tensor.toFloats();
    }
  }
}
