package nacre.tensor.cuda.cudnn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.PlanCache;
import nacre.tensor.spi.Window;

/**
 * A program that asks cuDNN on the GPU of this machine who serves the convolutions and attentions
 * of Stable Diffusion 2.1 in bf16, runs each, and prints a line at once: the engine, its notes,
 * whether it was compiled, its workspace, how long its plan took and how long it runs. What tells
 * most comes first, as time may be short. It tells in a minute which engines a GPU and a version of
 * cuDNN have; the rest of the check tells whether they are right.
 */
final class ServedShapes {
  private static final int TIMES = 5;

  private final CudaDevice device;
  private final Device gpu;
  private final Target.Handle target;

  private ServedShapes(CudaDevice device, Device gpu, Target.Handle target) {
    this.device = device;
    this.gpu = gpu;
    this.target = target;
  }

  /** An operand: its numbers, or a scalar of the host's if there is no shape. */
  private record Operand(DType dtype, Shape shape) {}

  private record Asked(String name, GraphShape graph, List<Operand> operands) {}

  /**
   * Prints a line for each shape.
   *
   * @param args how many seconds there are, and whether shapes are to be small
   */
  public static void main(String[] args) {
    long end = System.nanoTime() + Long.parseLong(args[0]) * 1_000_000_000L;
    boolean small = Boolean.parseBoolean(args[1]);
    Device gpu = Device.of("cuda");
    CudaDevice device = CudaDevice.open(0);
    device.enter();
    try {
      ServedShapes served =
          new ServedShapes(device, gpu, Target.Handle.open(device.stream(), PlanCache.none()));
      List<Asked> all = all(small);
      int done = 0;
      for (Asked asked : all) {
        if (System.nanoTime() > end) {
          break;
        }
        System.out.println(asked.name + ": " + served.serve(asked));
        done++;
      }
      System.out.println(done + " of " + all.size() + " shapes");
    } finally {
      device.leave();
    }
  }

  private String serve(Asked asked) {
    long begin = System.nanoTime();
    try (Scope _ = Scope.open();
        Arena arena = Arena.ofConfined()) {
      Plan plan = asked.graph.plan(target, new Graph.Freedom(false));
      double planned = (System.nanoTime() - begin) / 1e9;
      MemorySegment[] operands =
          asked.operands.stream().map(o -> memory(o, arena)).toArray(MemorySegment[]::new);
      long bytes = Math.max(1, plan.workspace());
      long workspace = zeros(DType.U8, Shape.of(Math.toIntExact(bytes))).address();
      Tensor.full(gpu, DType.F32, Shape.of(1), 0).toFloats(); // its stream is another: all is there
      double first = run(plan, workspace, operands, 1);
      double later = run(plan, workspace, operands, TIMES);
      Engines.Engine engine = plan.choice().engine();
      plan.close();
      return String.format(
          Locale.ROOT,
          "%s, workspace %d, planned in %.2f s, first %.3f ms, then %.3f ms",
          engine,
          plan.workspace(),
          planned,
          first * 1e3,
          later * 1e3);
    } catch (CudnnException e) {
      return "none, after "
          + String.format(Locale.ROOT, "%.2f s: ", (System.nanoTime() - begin) / 1e9)
          + e.getMessage();
    }
  }

  private double run(Plan plan, long workspace, MemorySegment[] operands, int times)
      throws CudnnException {
    device.synchronize();
    long begin = System.nanoTime();
    for (int i = 0; i < times; i++) {
      plan.run(target.cudnn(), workspace, operands);
    }
    device.synchronize();
    return (System.nanoTime() - begin) / 1e9 / times;
  }

  private MemorySegment memory(Operand operand, Arena arena) {
    if (operand.shape == null) {
      return arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0.125f);
    }
    return MemorySegment.ofAddress(zeros(operand.dtype, operand.shape).address());
  }

  private Tensor zeros(DType dtype, Shape shape) {
    return Tensor.full(gpu, dtype, shape, 0);
  }

  // ---- what is asked

  private static List<Asked> all(boolean small) {
    List<Asked> all = new ArrayList<>();
    int n = small ? 1 : 2;
    int by = small ? 16 : 1; // sides and channels are so many times as small
    for (int side : new int[] {64, 32, 16, 8}) {
      int channels = side == 64 ? 320 : side == 32 ? 640 : 1280;
      int tokens = small ? side : side * side;
      all.add(attention("self", n, tokens, tokens, channels / 64, 64, false));
    }
    all.add(attention("cross", n, small ? 64 : 4096, 77, 5, 64, false));
    for (int[] of : new int[][] {{64, 320, 320}, {32, 640, 640}, {16, 1280, 1280}}) {
      all.add(convolution(n, of[0] / by, of[1] / by / 4 * 4, of[2] / by / 4 * 4, 3, true, false));
      all.add(convolution(n, of[0] / by, of[1] / by / 4 * 4, of[2] / by / 4 * 4, 3, true, true));
    }
    all.add(convolution(n, 64 / by, 4, small ? 8 : 320, 3, true, false));
    all.add(convolution(n, 64 / by, small ? 8 : 320, 4, 3, true, false));
    all.add(attention("self, with state", n, small ? 64 : 1024, small ? 64 : 1024, 10, 64, true));
    all.add(gradient(n, small ? 64 : 1024, 10, 64));
    for (Graph.Direction direction :
        List.of(Graph.Direction.INPUT_GRADIENT, Graph.Direction.WEIGHT_GRADIENT)) {
      all.add(gradient(direction, n, small ? 4 : 32, small ? 8 : 640));
    }
    all.add(attention("VAE", 1, small ? 64 : 4096, small ? 64 : 4096, 1, small ? 64 : 512, false));
    return all;
  }

  private static Asked attention(
      String name, int n, int queries, int keys, int heads, int size, boolean state) {
    Shape q = Shape.of(n, queries, heads, size);
    Shape k = Shape.of(n, keys, heads, size);
    List<Operand> operands = new ArrayList<>(tensors(q, k, k));
    operands.add(new Operand(DType.F32, null));
    operands.addAll(tensors(q));
    if (state) {
      operands.add(new Operand(DType.F32, Shape.of(n, heads, queries)));
    }
    return new Asked(
        String.format(Locale.ROOT, "attention, %s, %s by %s", name, q, k),
        new GraphShape.Attention(DType.BF16, q, k, state),
        operands);
  }

  private static Asked gradient(int n, int tokens, int heads, int size) {
    Shape q = Shape.of(n, tokens, heads, size);
    List<Operand> operands = new ArrayList<>(tensors(q, q, q));
    operands.add(new Operand(DType.F32, null));
    operands.addAll(tensors(q, q));
    operands.add(new Operand(DType.F32, Shape.of(n, heads, tokens)));
    operands.addAll(tensors(q, q, q));
    operands.add(new Operand(DType.F32, null));
    return new Asked(
        "attention's gradient, " + q, new GraphShape.AttentionGradient(DType.BF16, q, q), operands);
  }

  private static Asked convolution(
      int n, int side, int in, int out, int kernel, boolean bias, boolean residual) {
    Shape x = Shape.of(n, side, side, in);
    Shape w = Shape.of(out, kernel, kernel, in);
    Shape y = Shape.of(n, side, side, out);
    List<Operand> operands = new ArrayList<>(tensors(x, w));
    if (bias) {
      operands.addAll(tensors(Shape.of(out)));
    }
    if (residual) {
      operands.addAll(tensors(y));
    }
    operands.addAll(tensors(y));
    return new Asked(
        String.format(
            Locale.ROOT,
            "conv2d%s%s, %s to %s",
            bias ? ", bias" : "",
            residual ? ", residual" : "",
            x,
            y),
        new GraphShape.Convolution(
            DType.BF16, x, w, y, Window.of(1, kernel / 2), bias, residual ? y : null, null),
        operands);
  }

  private static Asked gradient(Graph.Direction direction, int n, int side, int channels) {
    Shape x = Shape.of(n, side, side, channels);
    Shape w = Shape.of(channels, 3, 3, channels);
    return new Asked(
        "conv2d, " + direction.toString().toLowerCase(Locale.ROOT).replace('_', ' ') + ", " + x,
        new GraphShape.ConvolutionGradient(direction, DType.BF16, x, w, x, Window.of(1, 1)),
        tensors(x, w, x));
  }

  private static List<Operand> tensors(Shape... shapes) {
    return List.of(shapes).stream().map(s -> new Operand(DType.BF16, s)).toList();
  }
}
