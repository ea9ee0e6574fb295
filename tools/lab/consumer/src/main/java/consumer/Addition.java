package consumer;

import java.util.Arrays;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Arithmetic;

/** Says which device there is, and adds two tensors on it. */
public final class Addition {
  private Addition() {}

  public static void main(String[] args) {
    Device device = Device.of("auto");
    System.out.println(device.backend().describe());
    try (Scope scope = Scope.open()) {
      Tensor a = Tensor.of(device, Shape.of(3), 1, 2, 3);
      Tensor b = Tensor.of(device, Shape.of(3), 10, 20, 30);
      System.out.println(Arrays.toString(Arithmetic.add(a, b).toFloats()));
    }
  }
}
