package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import nacre.bindings.cuda.Cuda;

/** One of the backend's own kernels, ready to be launched. */
public final class Kernel {
  private final CudaDevice device;
  private final String name;
  private final MemorySegment function;
  private final List<Arguments.Parameter> parameters;
  private int sharedLimit = 48 << 10; // what a launch may ask for without saying so before

  Kernel(CudaDevice device, String name, MemorySegment function) {
    this.device = device;
    this.name = name;
    this.function = function;
    this.parameters = parameters(function);
  }

  /** What the kernel says it takes, so that a launch that passes something else is an error. */
  private static List<Arguments.Parameter> parameters(MemorySegment function) {
    List<Arguments.Parameter> parameters = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment at = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment bytes = arena.allocate(ValueLayout.JAVA_LONG);
      while (Cuda.cuFuncGetParamInfo(function, parameters.size(), at, bytes)
          == Cuda.CUDA_SUCCESS()) {
        parameters.add(
            new Arguments.Parameter(
                at.get(ValueLayout.JAVA_LONG, 0), bytes.get(ValueLayout.JAVA_LONG, 0)));
      }
    }
    return List.copyOf(parameters);
  }

  /** Launches as many blocks as a loop over {@code n} elements keeps busy. */
  public void over(long n, Consumer<Arguments> arguments) {
    long blocks = (n + THREADS - 1) / THREADS;
    launch(
        Math.max(1, Math.min(blocks, 16L * device.multiprocessors())), 1, 1, THREADS, 1, arguments);
  }

  /** Threads in a block, where a kernel does not say otherwise. */
  public static final int THREADS = KernelConstants.THREADS;

  /** Launches blocks in a row. */
  public void launch(long blocks, int threads, Consumer<Arguments> arguments) {
    launch(blocks, 1, 1, threads, 1, arguments);
  }

  /** Launches a grid of blocks of {@code threadsX} × {@code threadsY} threads. */
  public void launch(
      long x, long y, long z, int threadsX, int threadsY, Consumer<Arguments> arguments) {
    launch(x, y, z, threadsX, threadsY, 0, arguments);
  }

  /** The same, with {@code sharedBytes} of memory for each block besides what it declares. */
  public void launch(
      long x,
      long y,
      long z,
      int threadsX,
      int threadsY,
      int sharedBytes,
      Consumer<Arguments> arguments) {
    if (x > Integer.MAX_VALUE || y > 65535 || z > 65535) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "cuda: kernel %s: %d × %d × %d blocks are more than a GPU takes",
              name,
              x,
              y,
              z));
    }
    device.enter();
    try {
      if (sharedBytes > sharedLimit) {
        check(
            Cuda.cuFuncSetAttribute(
                function, Cuda.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES(), sharedBytes),
            "cuFuncSetAttribute of " + name);
        sharedLimit = sharedBytes;
      }
      Arguments all = device.arguments();
      all.begin(name, parameters);
      arguments.accept(all);
      device.launched();
      check(
          Cuda.cuLaunchKernel(
              function,
              (int) x,
              (int) y,
              (int) z,
              threadsX,
              threadsY,
              1,
              sharedBytes,
              device.stream(),
              MemorySegment.NULL,
              all.end()),
          "cuLaunchKernel of " + name);
    } finally {
      device.leave();
    }
  }
}
