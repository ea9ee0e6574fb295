package nacre.tensor.cuda.driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;
import nacre.tensor.Setting;
import nacre.tensor.Settings;

/** A program that gives every kernel source to NVRTC and prints what it says of each. */
final class CompiledSources {
  /** Ampere, Hopper, Blackwell. */
  private static final List<String> ARCHITECTURES = List.of("sm_80", "sm_90", "sm_100");

  private CompiledSources() {}

  /** The names of the sources, without their ending. */
  static List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("../../native"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".cu"))
          .map(name -> name.substring(0, name.length() - ".cu".length()))
          .sorted()
          .toList();
    }
  }

  /** Says where libraries are, as the process's settings have it. */
  static void search() {
    Settings settings = Settings.ofProcess();
    CudaLibraries.searchIn(
        settings.get(Setting.CUDA_LIBS), settings.cudaSimulator(), settings.environment());
  }

  /** Prints "NVRTC", then what it complained of; or why there is no NVRTC. */
  public static void main(String[] args) throws IOException {
    search();
    if (CudaLibraries.find(CudaLibrary.NVRTC) instanceof NativeLibrary.Unavailable missing) {
      System.out.println(missing.reason());
      return;
    }
    System.out.println("NVRTC");
    for (String name : names()) {
      for (String architecture : ARCHITECTURES) {
        KernelCompiler.Compiled compiled = KernelCompiler.compile(name, architecture);
        if (!compiled.log().isEmpty() || compiled.code().length == 0) {
          System.out.println(name + " for " + architecture + ": " + compiled.log());
        }
      }
    }
  }
}
