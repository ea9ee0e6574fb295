package nacre.bindings;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Native libraries as tests look for them: with the settings that the build or a test made. */
final class TestLibraries {
  private TestLibraries() {}

  static NativeLibrary oneDnn() {
    Map<String, String> environment = System.getenv();
    return NativeLibraries.oneDnn(
        new OneDnnChoice(
            environment.getOrDefault("NACRE_ONEDNN", "bundled"),
            Integer.parseInt(environment.getOrDefault("NACRE_THREADS", "2")),
            Path.of(
                environment.getOrDefault(
                    "NACRE_CACHE", System.getProperty("user.home") + "/.cache/nacre")),
            environment));
  }

  static NativeLibrary find(CudaLibrary library) {
    CudaLibraries.searchIn(
        Optional.ofNullable(System.getProperty("nacre.cuda.libs")),
        Optional.ofNullable(System.getProperty("nacre.cuda.sim")).map(Path::of),
        System.getenv());
    return CudaLibraries.find(library);
  }
}
