package nacre.tensor.cuda;

import static nacre.tensor.ops.Convolution.conv2d;
import static nacre.tensor.ops.Linear.linear;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * One GPU as two devices, of which one captures its steps. Each has a stream of its own, and so has
 * each handle of a library; both take memory from the driver's one pool.
 */
@Tag("cuda")
class TwoDevicesTest {
  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Device device(String graph) {
    assumeTrue(
        TestDevices.gpu().isPresent(),
        "there is no gpu, and the simulated one is not built: native/sim/build native/target/sim");
    return Device.of("cuda", Settings.ofProcess().with(Setting.GRAPH, graph));
  }

  private static Tensor normal(Device device, int stream, int... extents) {
    Tensor x = Tensor.empty(device, DType.F32, Shape.of(extents));
    x.backend().normal(5, stream, x);
    return x;
  }

  /** What libraries compute, and what our own kernels do to it afterwards. */
  private static final class Work implements AutoCloseable {
    private final Scope scope = Scope.open();
    private final CapturedStep step;

    Work(Device device, int side) {
      Tensor x = normal(device, 1, 2, side, side, 8);
      Tensor w = normal(device, 2, 16, 3, 3, 8);
      Tensor bias = normal(device, 3, 16);
      Tensor everywhere = normal(device, 4, 2, 1, 1, 16); // as a time embedding is added
      Tensor mixing = normal(device, 5, 16, 16);
      step =
          CapturedStep.of(
              device,
              () -> {
                try (Scope inner = Scope.open()) {
                  Tensor h = conv2d(x, w, bias, everywhere, Window.of(1, 1));
                  return inner.keep(linear(h, mixing, bias, Unary.SILU));
                }
              });
    }

    float[] run() {
      return step.run().toFloats();
    }

    @Override
    public void close() {
      step.close();
      scope.close();
    }
  }

  @Test
  void eachComputesInItsOwnOrder() {
    List<Device> devices = List.of(device("on"), device("off"));
    assertNotSame(devices.get(0), devices.get(1));
    for (int side : new int[] {8, 12}) {
      List<float[]> results = new ArrayList<>();
      try (Work one = new Work(devices.get(0), side);
          Work other = new Work(devices.get(1), side)) {
        for (int run = 0; run < 4; run++) {
          results.add(one.run());
          results.add(other.run());
        }
      }
      try (Work again = new Work(devices.get(0), side)) {
        results.add(again.run());
      }
      for (float[] result : results) {
        assertArrayEquals(results.getFirst(), result);
      }
      try (Work wanted = new Work(Device.reference(), side)) {
        assertArrayEquals(wanted.run(), results.getFirst(), 1e-3f);
      }
    }
  }
}
