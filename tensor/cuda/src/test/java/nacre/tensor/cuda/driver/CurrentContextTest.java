package nacre.tensor.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import nacre.bindings.CudaLibraries;
import nacre.bindings.cuda.Cuda;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Another library in the process has a context of its own. It finds it as it left it. */
@Tag("cuda")
class CurrentContextTest {
  @Test
  void anotherLibrarysContextStaysCurrent() throws Throwable {
    Device gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null && CudaDevice.isSimulated(), "the simulated GPU has another context");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      long other = create(arena, out);
      try (Scope _ = Scope.open()) {
        assertNotEquals(0, other);
        Tensor x = Tensor.full(gpu, DType.F32, Shape.of(3), 2);
        assertEquals(other, current(out), "after a launch");
        assertEquals(2, x.toFloats()[0]);
        assertEquals(other, current(out), "after a download");
      } finally {
        Cuda.cuCtxSetCurrent(MemorySegment.NULL);
      }
      try (Scope _ = Scope.open()) {
        Tensor.full(gpu, DType.F32, Shape.of(3), 2);
      }
    }
  }

  private static long current(MemorySegment out) {
    assertEquals(Cuda.CUDA_SUCCESS(), Cuda.cuCtxGetCurrent(out));
    return out.get(ValueLayout.ADDRESS, 0).address();
  }

  @SuppressWarnings("restricted") // no call that Nacre makes
  private static long create(Arena arena, MemorySegment out) throws Throwable {
    MemorySegment function =
        SymbolLookup.libraryLookup(CudaLibraries.simulator().orElseThrow(), arena)
            .findOrThrow("cuCtxCreate_v2");
    MethodHandle create =
        Linker.nativeLinker()
            .downcallHandle(
                function,
                FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT));
    assertEquals(Cuda.CUDA_SUCCESS(), (int) create.invokeExact(out, 0, 0));
    return out.get(ValueLayout.ADDRESS, 0).address();
  }
}
