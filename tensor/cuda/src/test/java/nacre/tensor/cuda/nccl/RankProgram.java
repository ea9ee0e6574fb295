package nacre.tensor.cuda.nccl;

import static nacre.tensor.ops.Arithmetic.multiply;

import java.nio.file.Path;
import java.util.Arrays;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Collectives;
import nacre.tensor.spi.Rendezvous;

/** One of several processes with a simulated GPU each; prints what came of a case, or its error. */
public final class RankProgram {
  private final Device device;
  private final Rendezvous group;
  private final Collectives ranks;

  private RankProgram(Device device, Rendezvous group) {
    this.device = device;
    this.group = group;
    this.ranks = device.backend().collectives(group).orElseThrow();
  }

  /**
   * Runs a case.
   *
   * @param arguments its name, rank, ranks, and the folder in which they meet
   */
  public static void main(String[] arguments) {
    int rank = Integer.parseInt(arguments[1]);
    int count = Integer.parseInt(arguments[2]);
    try {
      Rendezvous group = new FileRendezvous(Path.of(arguments[3]), rank, count);
      new RankProgram(Device.of("cuda"), group).run(arguments[0]);
    } catch (RuntimeException e) {
      System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
      System.out.flush();
      Runtime.getRuntime().halt(3);
    }
  }

  private void run(String name) {
    try (Scope _ = Scope.open()) {
      switch (name) {
        case "values" -> values();
        case "step" -> step();
        case "order" -> order();
        case "sizes" -> print(sum(numbers(DType.F32, 8 + ranks.rank())));
        case "types" -> print(sum(numbers(ranks.rank() == 0 ? DType.F32 : DType.I32, 8)));
        case "unjoined" -> unjoined();
        case "lost" -> lost();
        case "hung" -> hung();
        default -> throw new IllegalArgumentException(name);
      }
    }
    ranks.close();
  }

  /** 1, 2, 3 and so on, times 10 to the rank. */
  private Tensor numbers(DType dtype, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (i + 1) * (float) Math.pow(10, ranks.rank());
    }
    Tensor f32 = Tensor.of(device, Shape.of(count), values);
    Tensor x = Tensor.empty(device, dtype, Shape.of(count));
    x.backend().cast(f32, x);
    return x;
  }

  private Tensor sum(Tensor x) {
    ranks.sum(x);
    return x;
  }

  private void print(Tensor x) {
    Tensor f32 = Tensor.empty(device, DType.F32, x.shape());
    x.backend().cast(x, f32);
    System.out.println(Arrays.toString(f32.toFloats()));
  }

  private void values() {
    System.out.println(ranks.describe().replaceFirst(",.*", ""));
    int n = ranks.ranks();
    for (DType dtype : new DType[] {DType.F32, DType.I32, DType.I64}) {
      print(sum(numbers(dtype, 4)));
    }
    print(sum(numbers(DType.BF16, 1)));
    Tensor mean = numbers(DType.F32, 2);
    ranks.startMean(mean);
    ranks.join();
    print(mean);
    Tensor x = numbers(DType.F32, 2 * n);
    Tensor part = Tensor.empty(device, DType.F32, Shape.of(2));
    ranks.meanScatter(x, part);
    print(part);
    Tensor own = x.rows(2 * ranks.rank(), 2 * ranks.rank() + 2);
    ranks.meanScatter(x, own); // in place
    print(own);
    Tensor all = Tensor.empty(device, DType.U8, Shape.of(2 * n));
    Tensor mine = Tensor.empty(device, DType.U8, Shape.of(2));
    mine.backend().fill(mine, ranks.rank() + 5);
    ranks.gather(mine, all);
    print(all);
    ranks.gather(own, x); // in place
    print(x);
    for (int root = 0; root < n; root++) {
      Tensor y = numbers(DType.BF16, 2);
      ranks.broadcast(y, root);
      print(y);
    }
    System.out.println(ranks.bytesSent());
  }

  /** x is summed while y is computed, and both are used; by a graph from the second run on. */
  private void step() {
    Tensor x = numbers(DType.F32, 4);
    Tensor part = Tensor.empty(device, DType.F32, Shape.of(4 / ranks.ranks()));
    Tensor results = Tensor.zeros(device, DType.F32, Shape.of(4));
    Backend backend = device.backend();
    try (CapturedStep step =
        CapturedStep.of(
            device,
            () -> {
              Tensor gradient = multiply(x, x);
              ranks.startMean(gradient);
              Tensor beside = multiply(x, x);
              ranks.join();
              backend.mix(gradient, 1, beside, 1, results);
              ranks.meanScatter(results, part);
              ranks.gather(part, results);
              return null;
            })) {
      for (int run = 0; run < 5; run++) {
        backend.fill(x, run + 1 + ranks.rank());
        step.run();
        print(results);
      }
    }
    System.out.println(ranks.bytesSent());
    System.out.println(backend.explain().stream().anyMatch(l -> l.contains("graph of ")));
  }

  private void order() {
    Tensor x = numbers(DType.F32, ranks.ranks());
    if (ranks.rank() == 1) {
      ranks.broadcast(x, 1);
    }
    print(sum(x));
  }

  private void unjoined() {
    Tensor x = numbers(DType.F32, 4);
    try (CapturedStep step =
        CapturedStep.of(
            device,
            () -> {
              ranks.startSum(x);
              return null;
            })) {
      step.run();
      step.run();
    }
  }

  private void lost() {
    Tensor x = numbers(DType.F32, 4);
    print(sum(x));
    group.barrier();
    if (ranks.rank() == 1) {
      Runtime.getRuntime().halt(9);
    }
    print(sum(x));
  }

  /** The last rank does nothing any more, and somebody gives up for those that wait. */
  private void hung() {
    Tensor x = numbers(DType.F32, 4);
    print(sum(x));
    if (ranks.rank() == ranks.ranks() - 1) {
      sleep(8000);
      Runtime.getRuntime().halt(0);
    }
    Thread.ofPlatform()
        .start(
            () -> {
              sleep(500);
              ranks.abort();
            });
    print(sum(x));
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
