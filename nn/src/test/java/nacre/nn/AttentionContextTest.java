package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.Arrays;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
import org.junit.jupiter.api.Test;

class AttentionContextTest {
  private final Device device = Device.reference();

  @Test
  void aConstantContextGivesTheSameBitsAndComputesKeysOnce() {
    try (Scope _ = Scope.open()) {
      Attention layer = new Attention(Parameters.create(device, DType.F32, 1), 6, 4, 2, 3);
      Attention other = new Attention(Parameters.create(device, DType.F32, 2), 6, 4, 2, 3);
      Tensor x = Ops.normal(device, Shape.of(2, 5, 6), 1, 0);
      Tensor tokens = Ops.normal(device, Shape.of(2, 3, 4), 1, 1);
      float[] expected = layer.forward(x, tokens).toFloats();
      float[] others = other.forward(x, tokens).toFloats();
      AttentionContext constant = AttentionContext.constant(tokens, Stream.of(layer));
      for (int step = 0; step < 3; step++) {
        try (Scope _ = Scope.open()) {
          assertArrayEquals(expected, layer.forward(x, constant, null).toFloats());
          assertArrayEquals(others, other.forward(x, constant, null).toFloats());
        }
      }
      device.backend().fill(tokens, 7); // they are not looked at again
      assertArrayEquals(expected, layer.forward(x, constant, null).toFloats());
      assertFalse(Arrays.equals(others, other.forward(x, constant, null).toFloats()));
    }
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void otherTokensHaveAContextOfTheirOwn() {
    try (Scope _ = Scope.open()) {
      Tensor tokens = Tensor.zeros(device, DType.F32, Shape.of(1, 2, 4));
      AttentionContext constant = AttentionContext.constant(tokens, Stream.of());
      assertSame(constant, constant.with(tokens));
      Tensor stand = Tensor.zeros(device, DType.F32, Shape.of(1, 2, 4));
      assertNotSame(constant, constant.with(stand));
      assertSame(stand, constant.with(stand).tokens());
    }
  }
}
