package examples;

import static nacre.tensor.ops.Ops.*;

import nacre.nn.AdamW;
import nacre.nn.Layer;
import nacre.nn.Linear;
import nacre.nn.Parameters;
import nacre.nn.Sequential;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;

/** Teaches a small network where points of the plane lie: inside a ring, or not. */
public final class TrainingLoop {
  public static void main(String[] args) {
    Device device = Device.of("auto");
    try (Scope _ = Scope.open()) {
      Tensor points = normal(device, Shape.of(500, 2), 1, 0);
      Tensor labels = Tensor.ofInts(device, Shape.of(500), inside(points.toFloats()));
      Parameters p = Parameters.create(device, DType.F32, 42);
      Layer model =
          Sequential.of(p, q -> new Linear(q, 2, 32), _ -> Ops::tanh, q -> new Linear(q, 32, 2));
      AdamW optimizer = new AdamW(p.trainable(), 0.02);
      for (int step = 0; step < 300; step++) {
        float loss = optimizer.minimize(() -> crossEntropy(model.forward(points), labels));
        if (step % 50 == 0) {
          System.out.printf("step %3d  loss %.4f%n", step, loss);
        }
      }
    }
  }

  private static int[] inside(float[] points) {
    int[] labels = new int[points.length / 2];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = Math.hypot(points[2 * i], points[2 * i + 1]) < 1 ? 1 : 0;
    }
    return labels;
  }
}
