package nacre.cli;

import nacre.distributed.World;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Collectives;

/** A rank whose steps exchange on the device; in the sixth, rank 1 sleeps instead. */
final class RankHangProgram {
  private RankHangProgram() {}

  public static void main(String[] arguments) throws InterruptedException {
    World world = World.join(Settings.ofProcess()).orElseThrow();
    world.onLoss(
        line -> {
          System.out.println("failed: " + line);
          System.out.flush();
          world.abort(3);
        });
    Device device = Device.of(arguments[0]);
    Collectives group = world.collectives(device);
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.full(device, DType.F32, Shape.of(100), 1);
      try (CapturedStep step =
          CapturedStep.of(
              device,
              () -> {
                group.sum(x);
                return null;
              })) {
        for (int i = 1; i < 1000; i++) {
          world.step();
          if (i == 6 && world.rank() == 1) {
            Thread.sleep(Long.MAX_VALUE);
          }
          step.run();
          x.toFloats();
        }
      }
    }
  }
}
