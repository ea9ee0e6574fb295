package nacre.nn;

import static nacre.tensor.ops.Ops.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The training loop that the README shows: three rings of the plane are told apart. */
class ClassifierTest {
  private static final int POINTS = 500;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  static Stream<Function<Map<String, Tensor>, Optimizer>> optimizers() {
    return Stream.of(
        parameters -> new AdamW(parameters, 0.02),
        parameters -> {
          Optimizer sgd = new Sgd(parameters, new Sgd.Config(0.9, true, 1e-4));
          sgd.setLearningRate(0.5);
          return sgd;
        });
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void learns(Function<Map<String, Tensor>, Optimizer> rule) {
    try (Scope _ = Scope.open()) {
      Device device = Device.cpu();
      Tensor x = normal(device, Shape.of(POINTS, 2), 1, 0);
      int[] rings = rings(x.toFloats());
      Tensor wanted =
          gather(Tensor.of(device, Shape.of(3, 3), 1, 0, 0, 0, 1, 0, 0, 0, 1), ints(rings, device));
      Parameters p = Parameters.create(device, DType.F32, 42);
      Layer model =
          Sequential.of(p, q -> new Linear(q, 2, 32), _ -> Ops::tanh, q -> new Linear(q, 32, 3));
      Optimizer optimizer = rule.apply(p.trainable());
      double before = accuracy(model.forward(x), rings);
      long live = Memory.liveTensors();
      float first = Float.NaN;
      float loss = Float.NaN;
      for (int step = 0; step < 300; step++) {
        loss = optimizer.minimize(() -> meanSquaredError(softmax(model.forward(x)), wanted));
        first = step == 0 ? loss : first;
        assertEquals(live, Memory.liveTensors());
      }
      double after = accuracy(model.forward(x), rings);
      assertTrue(before < 0.6, "knew " + before + " before");
      assertTrue(after > 0.97, "learned " + after);
      assertTrue(loss < first / 5, first + " to " + loss);
    }
  }

  private static Tensor ints(int[] values, Device device) {
    return Tensor.ofInts(device, Shape.of(values.length), values);
  }

  /** 0 near the origin, 2 far from it. */
  private static int[] rings(float[] points) {
    int[] rings = new int[POINTS];
    for (int i = 0; i < POINTS; i++) {
      double radius = Math.hypot(points[2 * i], points[2 * i + 1]);
      rings[i] = radius < 0.8 ? 0 : radius < 1.5 ? 1 : 2;
    }
    return rings;
  }

  private static double accuracy(Tensor logits, int[] rings) {
    float[] z = logits.toFloats();
    int right = 0;
    for (int i = 0; i < POINTS; i++) {
      float own = z[3 * i + rings[i]];
      right += own >= Math.max(z[3 * i], Math.max(z[3 * i + 1], z[3 * i + 2])) ? 1 : 0;
    }
    return (double) right / POINTS;
  }
}
