package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nacre on Java images that jlink makes by the commands of the manuals. */
class RuntimeImageIT {
  private static final Path TARGET = Path.of("target").toAbsolutePath();
  private static final Path HOME = Path.of(System.getProperty("java.home"));
  private static final String JLINK = HOME.resolve("bin/jlink").toString();

  @TempDir private Path folder;

  @BeforeEach
  void thisJavaLinks() throws Exception {
    assumeTrue(
        Files.isExecutable(Path.of(JLINK))
            && (Files.isDirectory(HOME.resolve("jmods"))
                || run(JLINK, "--help").contains("run-time image enabled")),
        "this Java comes without jlink, or without what that links");
  }

  private String run(String... command) throws Exception {
    Map<String, String> home = Map.of("HOME", folder.toString(), "PATH", "/usr/bin:/bin");
    Shell.Outcome outcome = Shell.run(folder, home, List.of(command));
    assertEquals(0, outcome.status(), () -> outcome.err().toString());
    return String.join("\n", outcome.out());
  }

  /** The words of the manual's only line with jlink, for an image in the test's folder. */
  private String[] command(String page) throws Exception {
    List<String> lines = Files.readAllLines(Path.of("../../docs", page));
    List<String> found = lines.stream().filter(line -> line.contains("jlink --")).toList();
    assertEquals(1, found.size(), found::toString);
    List<String> words = new ArrayList<>(List.of(found.getFirst().strip().split(" +")));
    assertTrue(words.getFirst().endsWith("jlink"), found::toString);
    words.set(0, JLINK);
    words.replaceAll(word -> word.equals("lib") ? TARGET.resolve("lib").toString() : word);
    return words.toArray(String[]::new);
  }

  @Test
  void theCommandsRunOnAnImageOfJavasModules() throws Exception {
    run(command("cli.md"));
    String java = folder.resolve("nacre-java/bin/java").toString();
    assertFalse(run(java, "--list-modules").contains("jdk.compiler"));
    String train = TARGET.resolve("train.jar").toString();
    run(java, "-jar", train, "--preset", "tiny", "--steps", "2", "--eval-pairs", "2", "--out", "r");
    assertTrue(Files.isDirectory(folder.resolve("r/checkpoints/step-000000002")));
    String sample = TARGET.resolve("sample.jar").toString();
    run(java, "-jar", sample, "--model", "r", "--steps", "2", "--rows", "1", "--out", "pictures");
    assertTrue(Files.isRegularFile(folder.resolve("pictures/sheet.png")));
    String nacre = TARGET.resolve("nacre.jar").toString();
    Path tables = Path.of("../../datasets/src/test/resources/nacre/datasets/waymo/published");
    run(
        java,
        "-jar",
        nacre,
        "data",
        "inspect",
        tables.toAbsolutePath().toString(),
        "--out",
        "i.png");
    assertTrue(Files.isRegularFile(folder.resolve("i.png")));
    assertTrue(run(java, "-jar", nacre, "doctor").contains("cpu: oneDNN"));
  }

  @Test
  void theLibraryIsLinkedIntoAnImage() throws Exception {
    run(command("library.md"));
    String java = folder.resolve("app-java/bin/java").toString();
    String modules = run(java, "--list-modules");
    assertTrue(modules.contains("nacre.neuralassets@") && modules.contains("nacre.tensor.cpu@"));
    Path main = folder.resolve("Main.java");
    Files.writeString(
        main,
        """
        public class Main {
          public static void main(String[] words) {
            System.out.println(nacre.tensor.Device.of("cpu").backend().describe());
          }
        }
        """);
    String libraries = TARGET.resolve("lib").toString();
    run(
        HOME.resolve("bin/javac").toString(),
        "-p",
        libraries,
        "--add-modules",
        "nacre.tensor",
        "-d",
        "app",
        main.toString());
    String access = "--enable-native-access=nacre.bindings,nacre.tensor,nacre.tensor.cpu";
    List<String> command =
        new ArrayList<>(List.of(java, access, "--add-modules", "nacre.tensor", "-cp"));
    List<String> path = new ArrayList<>(List.of("app"));
    for (File file : new File(libraries).listFiles()) {
      if (file.getName().startsWith("dnnl-")) {
        path.add(file.toString());
      }
    }
    command.add(String.join(File.pathSeparator, path));
    command.add("Main");
    String told = run(command.toArray(String[]::new));
    assertTrue(told.startsWith("cpu: oneDNN"), told);
  }
}
