package nacre.lab.net;

import java.util.Arrays;
import java.util.Locale;
import nacre.distributed.World;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.CollectiveException;
import nacre.tensor.spi.Collectives;

/**
 * Times the sum of a tensor over ranks that a launcher started, and checks it; {@code
 * tools/lab/net/exchange} runs it on hosts of their own.
 */
public final class ExchangeTimes {
  private ExchangeTimes() {}

  /**
   * Runs a rank.
   *
   * @param arguments the number of elements, {@code F32} or {@code BF16}, how often
   */
  public static void main(String[] arguments) {
    int elements = Integer.parseInt(arguments[0]);
    DType dtype = DType.valueOf(arguments[1]);
    int times = Integer.parseInt(arguments[2]);
    World world = World.join(Settings.ofProcess()).orElseThrow();
    world.onLoss(line -> end(world, line));
    double[] millis = new double[times];
    try (Scope _ = Scope.open()) {
      Collectives group = world.collectives(Device.cpu());
      Tensor x = Tensor.empty(Device.cpu(), dtype, Shape.of(elements));
      long sent = group.bytesSent();
      for (int i = -1; i < times; i++) { // the first is not counted
        x.backend().fill(x, world.rank() + 1);
        world.barrier();
        world.step();
        long start = System.nanoTime();
        group.sum(x);
        double took = (System.nanoTime() - start) / 1e6;
        requireSum(x, world.ranks());
        if (i >= 0) {
          millis[i] = took;
        }
      }
      if (world.rank() == 0) {
        double each = (group.bytesSent() - sent) / (times + 1.0) / 1e6;
        print(world, x, each, millis);
      }
    } catch (CollectiveException e) {
      end(world, e.getMessage());
    }
    world.close();
  }

  private static void end(World world, String line) {
    System.err.println("exchange: " + line);
    world.abort(1);
  }

  private static void requireSum(Tensor x, int ranks) {
    float sum = ranks * (ranks + 1) / 2f;
    for (float value : x.toFloats()) {
      if (value != sum) {
        throw new AssertionError("a sum is " + value + ", not " + sum);
      }
    }
  }

  private static void print(World world, Tensor x, double megabytes, double[] millis) {
    double[] sorted = millis.clone();
    Arrays.sort(sorted);
    System.out.printf(
        Locale.ROOT,
        "sum of %,d %s over %d ranks: median %.1f ms, %.1f to %.1f of %d; %.2f MB sent by each%n",
        x.elements(),
        x.dtype(),
        world.ranks(),
        sorted[sorted.length / 2],
        sorted[0],
        sorted[sorted.length - 1],
        sorted.length,
        megabytes);
  }
}
