package example;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
import org.junit.jupiter.api.Test;

/** A backend that a user brings is a device like any other. */
class OwnBackendTest {
  @Test
  void isFoundByItsName() {
    Device device = Device.of("counting");
    assertEquals("counting", device.toString());
    long before = CountingProvider.CALLS.get();
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor x = Tensor.of(device, Shape.of(2), 3, 4).track();
      Gradients gradients = tape.backward(Ops.sum(Ops.multiply(x, x)));
      assertArrayEquals(new float[] {6, 8}, gradients.of(x).toFloats());
    }
    assertTrue(CountingProvider.CALLS.get() > before + 3);
  }

  @Test
  void isNeverChosenUnasked() {
    assertTrue(!Device.of("auto").toString().equals("counting"));
  }

  @Test
  void wrongNamesListIt() {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Device.of("abacus")).getMessage();
    assertTrue(message.contains("counting"), message);
    String ordinal =
        assertThrows(IllegalArgumentException.class, () -> Device.of("counting:x")).getMessage();
    assertTrue(ordinal.startsWith("device: no device 'counting:x'"), ordinal);
  }
}
