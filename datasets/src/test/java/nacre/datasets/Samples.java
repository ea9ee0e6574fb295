package nacre.datasets;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Small files of published formats, which are no part of the project: they lie beside the
 * repository, or in {@code NACRE_SAMPLES}. Where they do not, a test is skipped.
 */
public final class Samples {
  private Samples() {}

  /** A folder of samples. */
  public static Path folder(String name) {
    String named = System.getenv("NACRE_SAMPLES");
    Path folder = Path.of(named == null ? "../../shared/samples" : named).resolve(name);
    assumeTrue(Files.isDirectory(folder), "no samples of " + name + " at " + folder);
    return folder;
  }

  /** Copies a folder of files, so that an index can be written beside them. */
  public static Path copy(String name, Path to) throws IOException {
    try (Stream<Path> files = Files.list(folder(name))) {
      for (Path file : files.toList()) {
        Files.write(to.resolve(file.getFileName().toString()), Files.readAllBytes(file));
      }
    }
    return to;
  }
}
