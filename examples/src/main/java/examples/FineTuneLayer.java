package examples;

import static nacre.tensor.ops.Ops.*;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import nacre.nn.AdamW;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitFolder;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensorsWriter;

/**
 * Trains the last layer of a ViT that was loaded, and saves that layer alone: {@code MODEL_FOLDER
 * OUT.safetensors}.
 */
public final class FineTuneLayer {
  public static void main(String[] args) throws IOException {
    Device device = Device.of("auto");
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(device, DType.F32).frozen();
      Vit vit = VitFolder.load(p, Path.of(args[0]));
      String last = "encoder.layer." + (vit.config().numHiddenLayers() - 1) + ".";
      Map<String, Tensor> trained = new TreeMap<>(p.all());
      trained.keySet().removeIf(name -> !name.startsWith(last));
      trained.values().forEach(Tensor::track); // gradients of these only
      AdamW optimizer = new AdamW(trained, 1e-3);

      int size = vit.config().imageSize();
      Tensor pictures = normal(device, Shape.of(4, size, size, 3), 1, 0);
      Tensor target = normal(device, Shape.of(4, vit.config().hiddenSize()), 1, 1);
      for (int step = 0; step < 20; step++) {
        float loss =
            optimizer.minimize(() -> meanSquaredError(vit.pool(vit.forward(pictures)), target));
        System.out.printf("step %2d  loss %.4f%n", step, loss);
      }
      new SafeTensorsWriter().addParameters(trained).write(Path.of(args[1]));
    }
  }
}
