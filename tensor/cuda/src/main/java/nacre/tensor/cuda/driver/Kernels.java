package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import nacre.bindings.cuda.Cuda;

/**
 * The backend's own kernels on one GPU: a source file is compiled when one of its is first used.
 */
public final class Kernels {
  private final CudaDevice device;
  private final Path cache;
  private final Map<String, MemorySegment> modules = new HashMap<>();
  private final Map<String, Kernel> kernels = new HashMap<>();

  /**
   * @param cache the folder that compiled code is kept in
   */
  public Kernels(CudaDevice device, Path cache) {
    this.device = device;
    this.cache = cache;
  }

  /**
   * A kernel.
   *
   * @param file the source file without its ending
   * @throws CudaException if the file does not compile or has no such kernel
   */
  public Kernel get(String file, String name) {
    device.enter();
    try {
      Kernel kernel = kernels.get(name);
      if (kernel == null) {
        kernel = new Kernel(device, name, function(module(file), name));
        kernels.put(name, kernel);
      }
      return kernel;
    } finally {
      device.leave();
    }
  }

  private MemorySegment module(String file) {
    return modules.computeIfAbsent(
        file,
        f -> KernelCompiler.load(f, "sm_" + device.capability(), cache, code -> module(f, code)));
  }

  private static MemorySegment module(String file, byte[] code) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      MemorySegment image = arena.allocateFrom(ValueLayout.JAVA_BYTE, code);
      check(
          Cuda.cuModuleLoadDataEx(out, image, 0, MemorySegment.NULL, MemorySegment.NULL),
          "cuModuleLoadDataEx of " + file + ".cu");
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  private static MemorySegment function(MemorySegment module, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      check(
          Cuda.cuModuleGetFunction(out, module, arena.allocateFrom(name)),
          "cuModuleGetFunction of " + name);
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }
}
