package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The packed jars, run as a user runs them. */
class PackageIT {
  private static final Path TARGET = Path.of("target").toAbsolutePath();
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin/java").toString();

  @TempDir private Path elsewhere;

  @Test
  void theJarRunsWithoutFlagsAndWithoutWarnings() throws Exception {
    Shell.Outcome outcome =
        Shell.run(elsewhere, Map.of(), List.of(JAVA, "-jar", TARGET + "/nacre.jar", "version"));
    assertEquals(0, outcome.status(), () -> outcome.err().toString());
    assertEquals(List.of(), outcome.err());
    assertTrue(outcome.out().getFirst().startsWith("nacre "), () -> outcome.out().toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"train", "sample"})
  void eachCommandHasAJarOfItsOwn(String command) throws Exception {
    Shell.Outcome outcome =
        Shell.run(
            elsewhere, Map.of(), List.of(JAVA, "-jar", TARGET + "/" + command + ".jar", "--help"));
    assertEquals(0, outcome.status(), () -> outcome.err().toString());
    assertEquals(List.of(), outcome.err());
    assertTrue(
        outcome.out().stream().anyMatch(line -> line.contains("nacre " + command)),
        () -> outcome.out().toString());
  }

  @Test
  void everyJarNamesItsClassAndMayCallNativeCode() throws Exception {
    Map<String, String> mains =
        Map.of(
            "nacre.jar", "nacre.cli.Nacre",
            "train.jar", "nacre.cli.TrainMain",
            "sample.jar", "nacre.cli.SampleMain");
    for (Map.Entry<String, String> entry : mains.entrySet()) {
      Attributes manifest = manifest(TARGET.resolve(entry.getKey()));
      assertEquals(entry.getValue(), manifest.getValue(Attributes.Name.MAIN_CLASS));
      assertEquals("ALL-UNNAMED", manifest.getValue("Enable-Native-Access"));
      Class.forName(entry.getValue()).getMethod("main", String[].class);
    }
  }

  @Test
  void everyLibraryThatTheManifestNamesIsThere() throws Exception {
    String libraries = manifest(TARGET.resolve("nacre.jar")).getValue(Attributes.Name.CLASS_PATH);
    List<String> names = List.of(libraries.split(" "));
    assertTrue(names.stream().anyMatch(name -> name.startsWith("lib/nacre-cli-")), libraries);
    assertTrue(names.stream().anyMatch(name -> name.startsWith("lib/nacre-tensor-")), libraries);
    for (String name : names) {
      assertTrue(Files.isRegularFile(TARGET.resolve(name)), name);
    }
  }

  @Test
  void theModulesKeepTheirDescriptors() throws Exception {
    String libraries = manifest(TARGET.resolve("nacre.jar")).getValue(Attributes.Name.CLASS_PATH);
    for (String name : libraries.split(" ")) {
      try (JarFile jar = new JarFile(TARGET.resolve(name).toFile())) {
        if (jar.getEntry("META-INF/maven/dev.nacre") != null
            && jar.stream().anyMatch(entry -> entry.getName().endsWith(".class"))) {
          assertTrue(jar.getEntry("module-info.class") != null, name);
        }
      }
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void theLauncherRunsFromAnotherFolder() throws Exception {
    Shell.Outcome outcome = launch("version");
    assertEquals(0, outcome.status(), () -> outcome.err().toString());
    assertEquals(List.of(), outcome.err());
    assertTrue(outcome.out().contains("home    " + System.getProperty("java.home")));
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void theLauncherHandsOnTheStatusOfAMistake() throws Exception {
    Shell.Outcome outcome = launch("trian-me");
    assertEquals(2, outcome.status());
    assertEquals(List.of(), outcome.out());
    assertEquals(1, outcome.err().size(), () -> outcome.err().toString());
    assertTrue(outcome.err().getFirst().contains("trian-me"));
  }

  private Shell.Outcome launch(String... arguments) throws Exception {
    Map<String, String> environment =
        Map.of(
            "PATH", System.getenv("PATH"),
            "NACRE_JAVA_HOME", System.getProperty("java.home"),
            "NACRE_NO_BUILD", "1");
    String launcher = Path.of("../..", "nacre").toRealPath().toString();
    List<String> command = new ArrayList<>(List.of(launcher));
    command.addAll(List.of(arguments));
    return Shell.run(elsewhere, environment, command);
  }

  private static Attributes manifest(Path jar) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      return file.getManifest().getMainAttributes();
    }
  }
}
