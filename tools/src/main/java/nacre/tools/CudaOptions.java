package nacre.tools;

import picocli.CommandLine.Option;

/** Where a command looks for NVIDIA's libraries. */
public final class CudaOptions {
  @Option(
      names = "--cuda-libs",
      paramLabel = "FOLDERS",
      description =
          "Folders with NVIDIA's libraries, a CUDA toolkit or a Python environment, to be looked at"
              + " first; separated as in PATH. NACRE_CUDA_LIBS does the same.")
  void cudaLibraries(String folders) {
    System.setProperty("nacre.cuda.libs", folders);
  }
}
