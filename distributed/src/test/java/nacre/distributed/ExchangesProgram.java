package nacre.distributed;

import java.util.Arrays;
import java.util.Random;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Collectives;

/** A rank that exchanges tensors in every way, and compares with what it works out by itself. */
final class ExchangesProgram {
  private static World world;
  private static Collectives group;
  private static Device device;

  private ExchangesProgram() {}

  public static void main(String[] arguments) {
    world = World.join(Settings.ofProcess()).orElseThrow();
    device = Device.cpu();
    group = world.collectives(device);
    int ranks = world.ranks();
    try (Scope _ = Scope.open()) {
      switch (arguments[0]) {
        case "right" -> {
          for (int n : new int[] {0, 1, 3, ranks, 1000, 300_007}) {
            sum(DType.F32, n);
            sum(DType.BF16, n);
          }
          ints();
          parts(DType.F32, 6000 * ranks);
          parts(DType.BF16, ranks);
          broadcast();
          several();
          bytes();
        }
        case "sizes" -> group.sum(values(DType.F32, world.rank() == 1 ? 5 : 6, 0));
        case "order" -> {
          Tensor x = values(DType.F32, 2 * ranks, 0);
          if (world.rank() == 0) {
            group.sum(x);
          } else {
            group.gather(x.rows(0, 2), x);
          }
        }
        default -> throw new AssertionError(arguments[0]);
      }
      if (world.rank() == 0) {
        System.out.println("sent " + group.bytesSent() + " bytes by " + world.describe());
      }
    } catch (RuntimeException | Error e) {
      System.out.println("rank " + world.rank() + ": " + e);
      System.out.flush();
      sleep();
      world.abort(3);
    }
    world.close();
  }

  /** So that the other ranks can say what they have found. */
  private static void sleep() {
    try {
      Thread.sleep(500);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Tensors of every rank are known to all. */
  private static Tensor values(DType dtype, int n, int rank) {
    Random random = new Random(1000 * n + rank);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    Tensor x = Tensor.of(device, Shape.of(n), values);
    Tensor y = Tensor.empty(device, dtype, x.shape());
    device.backend().cast(x, y);
    return y;
  }

  private static float[] expectedSum(DType dtype, int n) {
    return expected(dtype, n, 1);
  }

  private static float[] expectedMean(DType dtype, int n) {
    return expected(dtype, n, world.ranks());
  }

  private static float[] expected(DType dtype, int n, int divisor) {
    float[] sum = new float[n];
    for (int rank = 0; rank < world.ranks(); rank++) {
      float[] term = values(dtype, n, rank).toFloats();
      for (int i = 0; i < n; i++) {
        sum[i] = rank == 0 ? term[i] : sum[i] + term[i];
      }
    }
    for (int i = 0; i < n; i++) {
      sum[i] *= 1f / divisor;
    }
    Tensor x = Tensor.of(device, Shape.of(n), sum);
    Tensor y = Tensor.empty(device, dtype, x.shape());
    device.backend().cast(x, y);
    return y.toFloats();
  }

  private static void sum(DType dtype, int n) {
    Tensor x = values(dtype, n, world.rank());
    group.sum(x);
    require("sum of " + n + " " + dtype, expectedSum(dtype, n), x.toFloats());
  }

  private static void ints() {
    Tensor x = Tensor.ofInts(device, Shape.of(3), 1, world.rank(), -5);
    group.sum(x);
    int ranks = world.ranks();
    require("ints", new float[] {ranks, ranks * (ranks - 1) / 2, -5 * ranks}, x.toFloats());
  }

  private static void parts(DType dtype, int n) {
    int each = n / world.ranks();
    Tensor x = values(dtype, n, world.rank());
    Tensor part = Tensor.empty(device, dtype, Shape.of(each));
    group.meanScatter(x, part);
    float[] mean = expectedMean(dtype, n);
    int from = world.rank() * each;
    require("meanScatter", Arrays.copyOfRange(mean, from, from + each), part.toFloats());
    require("left as it is", values(dtype, n, world.rank()).toFloats(), x.toFloats());
    group.gather(part, x);
    require("gather", mean, x.toFloats());
    Tensor inPlace = values(dtype, n, world.rank());
    group.meanScatter(inPlace, inPlace.rows(from, from + each));
    group.gather(inPlace.rows(from, from + each), inPlace);
    require("in place", mean, inPlace.toFloats());
    Tensor whole = values(dtype, n, world.rank());
    group.startMean(whole);
    group.join();
    require("mean", mean, whole.toFloats());
  }

  private static void broadcast() {
    int root = world.ranks() - 1;
    Tensor x = values(DType.F32, 777, world.rank());
    group.broadcast(x, root);
    require("broadcast", values(DType.F32, 777, root).toFloats(), x.toFloats());
  }

  private static void several() {
    Tensor[] all = new Tensor[20];
    for (int i = 0; i < all.length; i++) {
      all[i] = values(DType.F32, 5000 + i, world.rank());
      group.startSum(all[i]);
    }
    group.join();
    for (int i = 0; i < all.length; i++) {
      require("started " + i, expectedSum(DType.F32, 5000 + i), all[i].toFloats());
    }
  }

  private static void bytes() {
    byte[][] all = world.all(new byte[world.rank()]);
    for (int rank = 0; rank < all.length; rank++) {
      if (all[rank].length != rank) {
        throw new AssertionError("bytes of rank " + rank + ": " + all[rank].length);
      }
    }
    byte[] first = world.fromFirst(world.rank() == 0 ? new byte[] {7, 8} : null);
    if (!Arrays.equals(first, new byte[] {7, 8})) {
      throw new AssertionError("bytes of rank 0: " + Arrays.toString(first));
    }
    if (world.localRank() != world.rank() || world.localRanks() != world.ranks()) {
      throw new AssertionError("local rank " + world.localRank() + " of " + world.localRanks());
    }
  }

  private static void require(String what, float[] expected, float[] found) {
    if (!Arrays.equals(expected, found)) {
      int at = Arrays.mismatch(expected, found);
      throw new AssertionError(
          what + ": element " + at + " is " + found[at] + ", not " + expected[at]);
    }
  }
}
