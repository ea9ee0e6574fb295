package nacre.tensor.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.Kernel;
import nacre.tensor.cuda.driver.KernelConstants;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;

/**
 * What goes over all parameters of a model: {@code optimizer.cu}. One launch takes the addresses of
 * many tensors among its arguments, so that a step of hundreds of small ones is a few launches.
 * What changes from step to step lies in the GPU's memory.
 */
final class OptimizerKernels {
  private static final String FILE = "optimizer";
  private static final int TENSORS = KernelConstants.TABLE_TENSORS;
  private static final int CODED = KernelConstants.TABLE_CODED;
  private static final long CHUNK = KernelConstants.TABLE_CHUNK;

  private final Gpu gpu;
  private final ReductionKernels reductions;

  OptimizerKernels(Gpu gpu, ReductionKernels reductions) {
    this.gpu = gpu;
    this.reductions = reductions;
  }

  private interface Launch {
    void of(MemorySegment table, int blocks, int first);
  }

  /** As the kernels of a table name it. */
  private static byte typeOf(Tensor tensor) {
    return switch (tensor.dtype()) {
      case F32 -> KernelConstants.TABLE_F32;
      case BF16 -> KernelConstants.TABLE_BF16;
      case F16 -> KernelConstants.TABLE_F16;
      case I32, I64, U8 -> throw new IllegalArgumentException("cuda: " + tensor.describe());
    };
  }

  /**
   * Fills the structure {@code {T *lists[..][most]; long n[most]; int first[most + 1]; int count;
   * byte type[most]}} with up to so many tensors of each list at a time: block b belongs to tensor
   * t with first[t] ≤ b &lt; first[t+1]. An empty list gives null pointers.
   *
   * @param typed the list whose types the kernel is told
   */
  private static void forEachTable(
      int most, Launch launch, List<Tensor> typed, List<List<Tensor>> lists) {
    int all = lists.getFirst().size();
    try (Arena arena = Arena.ofConfined()) {
      long counts = 8L * most * lists.size();
      long firsts = counts + 8L * most;
      long types = firsts + 4L * (most + 2);
      MemorySegment table = arena.allocate((types + most + 7) & -8L, 8);
      for (int start = 0; start < all; start += most) {
        int count = Math.min(most, all - start);
        int blocks = 0;
        for (int i = 0; i < count; i++) {
          for (int l = 0; l < lists.size(); l++) {
            List<Tensor> list = lists.get(l);
            long address = list.isEmpty() ? 0 : list.get(start + i).address();
            table.set(ValueLayout.JAVA_LONG, 8L * (most * l + i), address);
          }
          long n = lists.getFirst().get(start + i).elements();
          table.set(ValueLayout.JAVA_LONG, counts + 8L * i, n);
          table.set(ValueLayout.JAVA_INT, firsts + 4L * i, blocks);
          table.set(ValueLayout.JAVA_BYTE, types + i, typeOf(typed.get(start + i)));
          blocks += Math.toIntExact(ReductionKernels.ceil(n, CHUNK));
        }
        table.set(ValueLayout.JAVA_INT, firsts + 4L * count, blocks);
        table.set(ValueLayout.JAVA_INT, firsts + 4L * (most + 1), count);
        if (blocks > 0) {
          launch.of(table, blocks, start);
        }
      }
    }
  }

  void sumOfSquares(List<Tensor> tensors, Tensor y) {
    long blocks = 0;
    for (Tensor tensor : tensors) {
      blocks += ReductionKernels.ceil(tensor.elements(), CHUNK);
    }
    long partials = blocks;
    Kernel kernel = gpu.kernels().get(FILE, "sum_of_squares");
    gpu.scratch(
        Math.max(1, partials) * Float.BYTES,
        partial -> {
          long[] done = {0};
          forEachTable(
              TENSORS,
              (table, count, _) -> {
                long at = partial + done[0] * Float.BYTES;
                kernel.launch(count, Kernel.THREADS, a -> a.struct(table).address(at));
                done[0] += count;
              },
              tensors,
              List.of(tensors));
          reductions.all(partial, partials, y.address(), 1);
        });
  }

  void adamW(AdamWTensors tensors, Tensor squaredNorm, Tensor learningRate, AdamWConstants c) {
    DType moments = tensors.m().getFirst().dtype();
    boolean coded = moments == DType.U8;
    DType parameters = tensors.parameters().getFirst().dtype();
    Kernel update = gpu.kernels().get(FILE, "adamw_" + parameters + "_" + moments);
    Kernel count = gpu.kernels().get(FILE, coded ? "adamw_coded_count" : "adamw_count");
    Tensor weight = tensors.averageWeight();
    List<List<Tensor>> lists = new ArrayList<>();
    lists.addAll(List.of(tensors.parameters(), tensors.compensations(), tensors.gradients()));
    lists.addAll(List.of(tensors.m(), tensors.v()));
    if (coded) {
      lists.addAll(List.of(tensors.mScales(), tensors.vScales()));
    }
    lists.addAll(List.of(tensors.averages(), tensors.steps()));
    forEachTable(
        coded ? CODED : TENSORS,
        (table, blocks, first) -> {
          update.launch(
              blocks,
              Kernel.THREADS,
              a ->
                  a.struct(table)
                      .address(learningRate.address())
                      .address(squaredNorm == null ? 0 : squaredNorm.address())
                      .address(weight == null ? 0 : weight.address())
                      .f64(c.beta1())
                      .f64(c.beta2())
                      .f64(c.eps())
                      .f64(c.weightDecay())
                      .f64(c.maxNorm())
                      .f64(c.rateFactor())
                      .i64(c.seed())
                      .i32(first));
          count.launch(1, TENSORS, a -> a.struct(table));
        },
        tensors.gradients(),
        lists);
  }

  /** Whether {@link #cast} has a kernel. */
  static boolean castsAll(DType from, DType to) {
    return from == DType.F32 && (to == DType.BF16 || to == DType.F16);
  }

  void cast(List<Tensor> x, List<Tensor> y) {
    Kernel kernel = gpu.kernel(FILE, "cast", y.getFirst().dtype());
    forEachTable(
        TENSORS,
        (table, blocks, _) -> kernel.launch(blocks, Kernel.THREADS, a -> a.struct(table)),
        x,
        List.of(x, y));
  }

  void lerp(List<Tensor> y, List<Tensor> x, Tensor weight) {
    Kernel kernel = gpu.kernel(FILE, "lerp", x.getFirst().dtype());
    forEachTable(
        TENSORS,
        (table, blocks, _) ->
            kernel.launch(blocks, Kernel.THREADS, a -> a.struct(table).address(weight.address())),
        x,
        List.of(y, x));
  }
}
