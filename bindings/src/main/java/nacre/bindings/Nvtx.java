package nacre.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/**
 * NVTX, by which a program names what it does to NVIDIA's profilers. For C it is a header, which
 * loads what {@code NVTX_INJECTION64_PATH} names; for other languages NVIDIA has that header in a
 * library, in the package {@code nvidia-nvtx}, which PyTorch brings along.
 */
public final class Nvtx {
  /** Of CUDA 13 and 12, and what that was before. All have both functions. */
  static final List<String> FILES =
      List.of("libnvtx3interop.so.1", "libnvtx3interop.so", "libnvToolsExt.so.1");

  private final MethodHandle push;
  private final MethodHandle pop;

  private Nvtx(MethodHandle push, MethodHandle pop) {
    this.push = push;
    this.pop = pop;
  }

  /** The functions of a library; nothing where it lacks one. */
  @SuppressWarnings("restricted") // the two are declared as in nvToolsExt.h
  static Optional<Nvtx> of(SymbolLookup library) {
    Linker linker = Linker.nativeLinker();
    FunctionDescriptor taking = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS);
    FunctionDescriptor nothing = FunctionDescriptor.of(ValueLayout.JAVA_INT);
    return library
        .find("nvtxRangePushA")
        .flatMap(
            push ->
                library
                    .find("nvtxRangePop")
                    .map(
                        pop ->
                            new Nvtx(
                                linker.downcallHandle(push, taking),
                                linker.downcallHandle(pop, nothing))));
  }

  /** Begins a range of this thread, in those that are open. */
  public void push(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(name);
      int depth = (int) push.invokeExact(text); // negative where no profiler listens
    } catch (Throwable e) {
      throw new AssertionError("nvtxRangePushA could not be called", e);
    }
  }

  /** Ends the innermost range of this thread. */
  public void pop() {
    try {
      int depth = (int) pop.invokeExact();
    } catch (Throwable e) {
      throw new AssertionError("nvtxRangePop could not be called", e);
    }
  }
}
