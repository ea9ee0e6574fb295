package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SequentialTest {
  private static final Device CPU = Device.cpu();

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void namesParametersByPlaceAsPyTorchDoes() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      Sequential.of(
          p.at("head"), q -> new Linear(q, 2, 3), _ -> Ops::relu, q -> new Linear(q, 3, 1, false));
      assertEquals(
          List.of("head.0.weight", "head.0.bias", "head.2.weight"), List.copyOf(p.all().keySet()));
    }
  }

  @Test
  void computesAsItsLayersOneByOne() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      Linear first = new Linear(p.at("a"), 4, 8);
      Linear second = new Linear(p.at("b"), 8, 2);
      Layer model = first.then(Ops::tanh).then(second);
      Tensor x = Ops.normal(CPU, Shape.of(5, 4), 1, 0);
      float[] wanted = second.forward(Ops.tanh(first.forward(x))).toFloats();
      assertArrayEquals(wanted, model.forward(x).toFloats());
      try (Tape tape = Tape.open()) {
        Gradients gradients = tape.backward(Ops.mean(Ops.square(model.forward(x))));
        p.all().forEach((name, parameter) -> assertNotNull(gradients.of(parameter), name));
      }
    }
  }

  /** Ten layers hold no more than two results at a time, in chains within chains as well. */
  @Test
  void memoryIsThatOfOneLayer() {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.full(CPU, DType.F32, Shape.of(1000), 0.5);
      Layer five = Ops::square;
      for (int i = 1; i < 5; i++) {
        five = five.then(Ops::square);
      }
      Memory.resetPeak();
      Layer ten = Sequential.of(y -> Ops.scale(y, 2), five, five);
      Tensor y = ten.forward(x);
      assertEquals(3 * 4000, Memory.peakBytes());
      assertEquals(2, Memory.liveTensors());
      assertEquals(1, y.get(999));
    }
  }

  @Test
  void freesNothingThatIsNotItsOwn() {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.full(CPU, DType.F32, Shape.of(2), 3);
      Tensor constant = Tensor.full(CPU, DType.F32, Shape.of(2), 4);
      Layer same = y -> y;
      assertSame(x, Sequential.of(same, same).forward(x));
      assertSame(x, Sequential.of().forward(x));
      assertEquals(16, Sequential.of(same, _ -> constant, same, Ops::square).forward(x).get(0));
      assertEquals(3, x.get(0));
      assertEquals(4, constant.get(1));
    }
  }
}
