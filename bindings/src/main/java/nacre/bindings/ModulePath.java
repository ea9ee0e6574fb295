package nacre.bindings;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * The jars that lie on the module path, whether their modules are part of the application or not.
 *
 * <p>A jar of oneDNN is a module that nobody requires, so it is never resolved, and no class loader
 * sees what is in it. Its files are read from the jar itself.
 *
 * @param entries jars, folders of jars, and folders of classes
 */
record ModulePath(List<Path> entries) {

  /** The module path that this process was started with; empty if it has none. */
  static ModulePath ofThisProcess() {
    String path = System.getProperty("jdk.module.path", "");
    return new ModulePath(
        Stream.of(path.split(File.pathSeparator))
            .filter(entry -> !entry.isEmpty())
            .map(Path::of)
            .toList());
  }

  /** Looks a file up by its path within a jar or a folder. */
  Optional<URL> find(String resource) throws IOException {
    for (Path entry : entries) {
      Path unpacked = entry.resolve(resource);
      if (Files.isRegularFile(unpacked)) {
        return Optional.of(unpacked.toUri().toURL());
      }
      for (Path jar : jars(entry)) {
        if (holds(jar, resource)) {
          return Optional.of(URI.create("jar:" + jar.toUri() + "!/" + resource).toURL());
        }
      }
    }
    return Optional.empty();
  }

  private static List<Path> jars(Path entry) throws IOException {
    List<Path> candidates = new ArrayList<>(List.of(entry));
    if (Files.isDirectory(entry)) {
      try (var files = Files.list(entry)) {
        candidates.addAll(files.sorted().toList());
      }
    }
    return candidates.stream()
        .filter(file -> file.toString().endsWith(".jar") && Files.isRegularFile(file))
        .toList();
  }

  private static boolean holds(Path jar, String resource) throws IOException {
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      return zip.getEntry(resource) != null;
    } catch (ZipException e) {
      return false; // not a jar, which Java has said already where it matters
    }
  }
}
