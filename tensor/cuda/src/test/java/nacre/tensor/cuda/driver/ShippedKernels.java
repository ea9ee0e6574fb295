package nacre.tensor.cuda.driver;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;

/**
 * A program that compiles all kernels into a folder of kept code, so that the archive of the GPU
 * check needs no compiler. No GPU is needed. It runs in {@code tensor/cuda}.
 */
final class ShippedKernels {
  private ShippedKernels() {}

  /**
   * Prints how many files were written, or why there is no NVRTC.
   *
   * @param args the folder, then architectures such as {@code sm_90}
   */
  public static void main(String[] args) throws IOException {
    CompiledSources.search();
    if (CudaLibraries.find(CudaLibrary.NVRTC) instanceof NativeLibrary.Unavailable missing) {
      System.out.println(missing.reason());
      return;
    }
    List<String> architectures = List.of(args).subList(1, args.length);
    List<String> names = CompiledSources.names();
    for (String name : names) {
      for (String architecture : architectures) {
        KernelCompiler.ship(name, architecture, Path.of(args[0]));
      }
    }
    System.out.println(names.size() + " files for each of " + architectures);
  }
}
