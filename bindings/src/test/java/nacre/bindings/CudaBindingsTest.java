package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import nacre.bindings.cublaslt.CublasLt;
import nacre.bindings.cuda.Cuda;
import nacre.bindings.cudnn.Cudnn;
import nacre.bindings.nccl.Nccl;
import nacre.bindings.nvrtc.Nvrtc;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The bindings beside NVIDIA's own libraries, wherever these are on the machine. */
@Tag("cuda")
class CudaBindingsTest {

  @ParameterizedTest
  @EnumSource
  void everyFunctionBoundIsInTheLibrary(CudaLibrary library) throws IllegalAccessException {
    NativeLibrary found = TestLibraries.find(library);
    assumeTrue(found.isLoaded(), () -> ((NativeLibrary.Unavailable) found).reason());
    List<String> bound = new ArrayList<>();
    List<String> absent = new ArrayList<>();
    for (Method method : bindings(library).getMethods()) {
      if (method.getName().endsWith("$address")) {
        bound.add(method.getName());
        try {
          method.invoke(null);
        } catch (InvocationTargetException e) {
          absent.add(method.getName() + ": " + e.getCause());
        }
      }
    }
    assertFalse(bound.isEmpty());
    assertTrue(absent.isEmpty(), found + " lacks " + absent);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsMissingIsSaidInASentence(CudaLibrary library) {
    switch (TestLibraries.find(library)) {
      case NativeLibrary.Loaded loaded ->
          assertTrue(Versions.compare(loaded.version(), library.minimum()) >= 0);
      case NativeLibrary.Unavailable missing -> {
        assertTrue(missing.reason().startsWith(library.title() + ": "), missing.reason());
        assertTrue(missing.reason().lines().count() == 1, missing.reason());
      }
    }
  }

  private static Class<?> bindings(CudaLibrary library) {
    return switch (library) {
      case DRIVER -> Cuda.class;
      case NVRTC -> Nvrtc.class;
      case CUBLASLT -> CublasLt.class;
      case CUDNN -> Cudnn.class;
      case NCCL -> Nccl.class;
    };
  }
}
