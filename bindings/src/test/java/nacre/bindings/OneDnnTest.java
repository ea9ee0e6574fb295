package nacre.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import nacre.bindings.onednn.Dnnl;
import nacre.bindings.onednn.dnnl_version_t;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class OneDnnTest {

  @BeforeAll
  static void load() {
    assertTrue(TestLibraries.oneDnn().isLoaded(), TestLibraries.oneDnn().toString());
  }

  @Test
  void isTheVersionThatTheBindingsWereMadeFrom() {
    MemorySegment version = Dnnl.dnnl_version();
    assertEquals(Dnnl.DNNL_VERSION_MAJOR(), dnnl_version_t.major(version));
    assertEquals(Dnnl.DNNL_VERSION_MINOR(), dnnl_version_t.minor(version));
    assertEquals(Dnnl.DNNL_RUNTIME_OMP(), dnnl_version_t.cpu_runtime(version));
  }

  @Test
  void multipliesMatricesAsJavaDoes() {
    int m = 7;
    int k = 13;
    int n = 5;
    SplittableRandom random = new SplittableRandom(1);
    try (MatMul matMul = new MatMul(m, k, n)) {
      for (int i = 0; i < m * k; i++) {
        matMul.a.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
      }
      for (int i = 0; i < k * n; i++) {
        matMul.b.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
      }
      matMul.run();
      for (int row = 0; row < m; row++) {
        for (int column = 0; column < n; column++) {
          double sum = 0;
          for (int i = 0; i < k; i++) {
            sum +=
                (double) matMul.a.getAtIndex(JAVA_FLOAT, row * k + i)
                    * matMul.b.getAtIndex(JAVA_FLOAT, i * n + column);
          }
          assertEquals(sum, matMul.c.getAtIndex(JAVA_FLOAT, row * n + column), 1e-5);
        }
      }
    }
  }

  @Test
  void refusesAShapeWithAStatusThatHasAName() {
    try (Arena arena = Arena.ofConfined()) {
      int status =
          Dnnl.dnnl_memory_desc_create_with_tag(
              arena.allocate(ADDRESS),
              2,
              arena.allocateFrom(JAVA_LONG, -3, 4),
              Dnnl.dnnl_f32(),
              Dnnl.dnnl_ab());
      assertEquals(Dnnl.dnnl_invalid_arguments(), status);
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> MatMul.check(status));
      assertEquals("invalid_arguments", e.getMessage());
    }
  }

  /** Each function is looked up when it is first used, so that a missing one would show late. */
  @Test
  void everyFunctionBoundIsInTheLibrary() throws ReflectiveOperationException {
    List<String> found = new ArrayList<>();
    for (Class<?> holder : Dnnl.class.getDeclaredClasses()) {
      Field handle = holder.getDeclaredField("HANDLE");
      handle.setAccessible(true);
      assertTrue(handle.get(null) instanceof MethodHandle, holder.getName());
      found.add(holder.getSimpleName());
    }
    assertTrue(found.contains("dnnl_convolution_backward_weights_primitive_desc_create"));
    assertTrue(found.size() > 80, found.size() + " functions");
  }
}
