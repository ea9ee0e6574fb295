package nacre.distributed;

import java.nio.ByteBuffer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.CollectiveException;
import nacre.tensor.spi.Collectives;

/**
 * A rank of something like a training: steps that end in a sum. What goes wrong at its tenth, or
 * first, step, on which rank, is told by the arguments; it ends with one line, printed by one rank.
 */
final class WatchedProgram {
  private static final int FATAL_STEP = 10;

  private WatchedProgram() {}

  public static void main(String[] arguments) throws InterruptedException {
    String what = arguments[0];
    int where = Integer.parseInt(arguments[1]);
    World world = World.join(Settings.ofProcess()).orElseThrow();
    world.onLoss(line -> fail(world, line));
    try (Scope _ = Scope.open()) {
      Collectives group = world.collectives(Device.cpu());
      Tensor x = Tensor.zeros(Device.cpu(), DType.F32, Shape.of(1000));
      for (int step = 1; ; step++) {
        world.step();
        Thread.sleep(20);
        int fatalStep = what.equals("hang-first") ? 1 : FATAL_STEP;
        boolean fatal = step == fatalStep && world.rank() == where;
        if (fatal && what.startsWith("hang")) {
          Thread.sleep(Long.MAX_VALUE);
        }
        group.sum(x);
        requireFinite(world, step, fatal && what.equals("nan") ? Float.NaN : 1);
        if (step % FATAL_STEP == 0 && world.rank() == 0) {
          System.out.println("step " + step + ".");
        }
      }
    } catch (CollectiveException e) {
      fail(world, e.getMessage());
    } catch (IllegalStateException e) { // on all of them
      if (world.rank() == 0) {
        System.out.println("failed: " + e.getMessage());
      }
      world.close();
      System.exit(3);
    }
  }

  /** All ranks know of a loss that is none, and which has it. */
  private static void requireFinite(World world, int step, float loss) {
    byte[][] losses = world.all(ByteBuffer.allocate(Float.BYTES).putFloat(loss).array());
    for (int rank = 0; rank < losses.length; rank++) {
      float its = ByteBuffer.wrap(losses[rank]).getFloat();
      if (!Float.isFinite(its)) {
        throw new IllegalStateException(
            "rank " + rank + ": the loss is " + its + " in step " + step);
      }
    }
  }

  private static void fail(World world, String line) {
    System.out.println("failed: " + line);
    System.out.flush();
    world.abort(3);
  }
}
