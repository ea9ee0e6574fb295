package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import nacre.bindings.Probe.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An application on the module path, in a process of its own, finds oneDNN as any other does. */
class ModulePathTest {

  @TempDir Path temp;

  @Test
  void findsTheLibraryInAJarOnTheModulePath() throws Exception {
    Outcome outcome = run(List.of(classes("module-info.class"), oneDnnJar()));
    assertTrue(outcome.output().startsWith("3.13.0 2 2 " + temp), outcome.output());
    assertEquals(0, outcome.status());
  }

  @Test
  void findsTheLibraryInAFolderOfJarsOnTheModulePath() throws Exception {
    Path folder = Files.createDirectories(temp.resolve("jars with blanks"));
    Files.writeString(folder.resolve("a.txt"), "not a jar");
    Files.copy(oneDnnJar(), folder.resolve(oneDnnJar().getFileName()));
    Outcome outcome = run(List.of(folder, classes("module-info.class")));
    assertTrue(outcome.output().startsWith("3.13.0 2 2 " + temp), outcome.output());
  }

  @Test
  void saysWhichJarIsMissing() throws Exception {
    Platform platform = Platform.current().orElseThrow();
    Outcome outcome = run(List.of(classes("module-info.class")));
    assertTrue(
        outcome
            .output()
            .endsWith(
                " is on neither the class path nor the module path; add org.bytedeco:dnnl with the"
                    + " classifier "
                    + platform.classifier()),
        outcome.output());
  }

  @Test
  void passesOverWhatIsNoJar() throws IOException {
    Path broken = Files.writeString(temp.resolve("broken.jar"), "not a jar");
    Path unpacked = Files.createDirectories(temp.resolve("unpacked/a b"));
    Path file = Files.writeString(unpacked.resolve("x.so"), "library");
    ModulePath path =
        new ModulePath(List.of(temp.resolve("absent.jar"), broken, temp.resolve("unpacked")));
    assertEquals(Optional.of(file.toUri().toURL()), path.find("a b/x.so"));
    assertEquals(Optional.empty(), path.find("y.so"));
  }

  private Outcome run(List<Path> modulePath) throws IOException, InterruptedException {
    List<String> entries = modulePath.stream().map(Path::toString).toList();
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=nacre.bindings",
                "--module-path",
                String.join(File.pathSeparator, entries),
                "--patch-module",
                "nacre.bindings=" + classes("nacre/bindings/Probe.class"),
                "--module",
                "nacre.bindings/" + Probe.class.getName())
            .redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.matches("(NACRE|OMP|GOMP|KMP)_.*"));
    builder.environment().put("NACRE_CACHE", temp.resolve("cache").toString());
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output.strip());
  }

  private static Path classes(String file) {
    return classPath()
        .filter(entry -> Files.isRegularFile(entry.resolve(file)))
        .findFirst()
        .orElseThrow();
  }

  private static Path oneDnnJar() {
    return classPath()
        .filter(entry -> entry.getFileName().toString().startsWith("dnnl-"))
        .findFirst()
        .orElseThrow();
  }

  private static Stream<Path> classPath() {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator)).map(Path::of);
  }
}
