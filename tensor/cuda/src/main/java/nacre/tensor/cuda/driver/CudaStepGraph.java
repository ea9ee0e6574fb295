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
import nacre.tensor.spi.StepGraph;

/**
 * Work as a CUDA graph. The first run computes as ever, so that kernels are compiled, plans made
 * and the memory that the work takes is known; the second is captured, with all its memory from one
 * arena; from then on a run is one call of the driver.
 */
public final class CudaStepGraph implements StepGraph {
  private final CudaDevice device;
  private final CudaAllocator allocator;
  private final Runnable body;
  private final Consumer<String> report;
  private BlockPlan plan;
  private BlockArena arena;
  private MemorySegment executable;
  private final List<Runnable> beforeEach = new ArrayList<>();
  private String name;

  /**
   * Work that has not been done yet.
   *
   * @param report told of each run what it was
   */
  public CudaStepGraph(
      CudaDevice device, CudaAllocator allocator, Runnable body, Consumer<String> report) {
    this.device = device;
    this.allocator = allocator;
    this.body = body;
    this.report = report;
  }

  @Override
  public void run() {
    device.enter();
    try {
      if (allocator.isFollowed()) {
        throw new CudaException(
            "cuda: a captured step inside of a captured step; run the inner alone");
      }
      if (plan == null) {
        plan = allocator.record(body);
        report.accept("first run");
      } else {
        if (executable == null) {
          executable = capture();
        }
        beforeEach.forEach(Runnable::run);
        check(Cuda.cuGraphLaunch(executable, device.stream()), "cuGraphLaunch");
        report.accept(name);
      }
    } finally {
      device.leave();
    }
  }

  private MemorySegment capture() {
    if (arena != null) {
      throw new CudaException("cuda: a captured step could not be captured before; close it");
    }
    arena = allocator.open(plan);
    try (Arena memory = Arena.ofConfined()) {
      MemorySegment out = memory.allocate(ValueLayout.ADDRESS);
      MemorySegment graph = graph(out);
      try {
        MemorySegment count = memory.allocate(ValueLayout.JAVA_LONG);
        check(Cuda.cuGraphGetNodes(graph, MemorySegment.NULL, count), "cuGraphGetNodes");
        name = String.format(Locale.ROOT, "graph of %d nodes", count.get(ValueLayout.JAVA_LONG, 0));
        check(Cuda.cuGraphInstantiateWithFlags(out, graph, 0), "cuGraphInstantiate");
        return out.get(ValueLayout.ADDRESS, 0);
      } finally {
        Cuda.cuGraphDestroy(graph);
      }
    }
  }

  /** What the body puts on the stream, which does none of it. */
  private MemorySegment graph(MemorySegment out) {
    check(
        Cuda.cuStreamBeginCapture_v2(device.stream(), Cuda.CU_STREAM_CAPTURE_MODE_RELAXED()),
        "cuStreamBeginCapture");
    device.capture(beforeEach);
    try {
      allocator.serve(arena, body);
    } catch (RuntimeException | Error e) {
      if (Cuda.cuStreamEndCapture(device.stream(), out) == Cuda.CUDA_SUCCESS()) {
        Cuda.cuGraphDestroy(out.get(ValueLayout.ADDRESS, 0));
      }
      throw e;
    } finally {
      device.capture(null);
    }
    check(Cuda.cuStreamEndCapture(device.stream(), out), "cuStreamEndCapture");
    return out.get(ValueLayout.ADDRESS, 0);
  }

  @Override
  public void close() {
    device.enter();
    try {
      if (executable != null) {
        device.synchronize();
        check(Cuda.cuGraphExecDestroy(executable), "cuGraphExecDestroy");
        executable = null;
      }
      if (arena != null) {
        allocator.close(arena);
        arena = null;
      }
      plan = null;
    } finally {
      device.leave();
    }
  }
}
