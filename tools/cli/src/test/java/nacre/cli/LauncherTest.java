package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher in a made-up checkout, on a machine with made-up JDKs and a made-up Maven. */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
  private static final List<String> UTILITIES =
      List.of(
          "cat",
          "sed",
          "grep",
          "head",
          "dirname",
          "basename",
          "readlink",
          "find",
          "mktemp",
          "rm",
          "mkdir",
          "rmdir",
          "ln",
          "sleep",
          "touch");

  /** A JDK's java that tells what it was called with, and where. */
  private static final String TELLTALE =
      """
      #!/bin/sh
      echo "java $0"
      echo "in $PWD"
      for argument in "$@"; do echo "[$argument]"; done
      """;

  /** A Maven that writes down its calls and, unless told to fail, leaves what a build leaves. */
  private static final String MAVEN =
      """
      #!/bin/sh
      echo "$*" >>"$MAVEN_CALLS"
      sleep "${MAVEN_TAKES:-0}"
      case "$MAVEN_FAILS $*" in
        "offline "*" -o "* | "offline -o "*)
          echo "[ERROR] Cannot access central in offline mode" && exit 1 ;;
        always*) echo "[ERROR] Foo.java:[3,4] cannot find symbol" && exit 1 ;;
      esac
      while [ "$1" != -f ]; do shift; done
      tools=$(dirname "$2")/tools
      mkdir -p "$tools/cli/target" "$tools/lab/target"
      touch "$tools/cli/target/nacre.jar" "$tools/lab/target/built"
      """;

  @TempDir private Path temporary;
  private Path root;
  private Path bin;
  private Path calls;
  private final Map<String, String> environment = new TreeMap<>();

  @BeforeEach
  void layOut() throws IOException {
    root = Files.createDirectories(temporary.resolve("check out"));
    bin = Files.createDirectories(temporary.resolve("bin"));
    calls = temporary.resolve("calls");
    for (String utility : UTILITIES) {
      script(bin.resolve(utility), "#!/bin/sh\nexec '" + locate(utility) + "' \"$@\"\n");
    }
    Path real = Path.of("../..").toRealPath();
    Files.createDirectories(root.resolve("build"));
    for (String script : List.of("nacre", "build/jdk")) {
      Files.copy(real.resolve(script), root.resolve(script), StandardCopyOption.COPY_ATTRIBUTES);
    }
    Files.createDirectories(root.resolve("tools/cli/src/main/java"));
    Files.writeString(root.resolve("pom.xml"), "");
    Files.writeString(root.resolve("tools/cli/pom.xml"), "");
    environment.put("PATH", bin.toString());
    environment.put("HOME", temporary.toString());
    environment.put("MAVEN_CALLS", calls.toString());
    environment.put("MAVEN_FAILS", "never");
    environment.put("NACRE_JDK_FOLDERS", temporary.resolve("jvm").toString());
  }

  @Test
  void withoutAJdkOneLineSaysWhatToInstall() throws Exception {
    Shell.Outcome outcome = nacre("train");
    assertEquals(1, outcome.status());
    assertEquals(List.of(), outcome.out());
    assertEquals(1, outcome.err().size(), () -> outcome.err().toString());
    assertTrue(outcome.err().getFirst().startsWith("nacre: no JDK 25 or newer was found; install"));
  }

  @Test
  void anOlderJdkIsNamed() throws Exception {
    Path old = jdk("java-17", "17.0.15");
    Files.createSymbolicLink(bin.resolve("java"), old.resolve("bin/java"));
    Shell.Outcome outcome = nacre("train");
    assertEquals(1, outcome.status());
    assertEquals(1, outcome.err().size(), () -> outcome.err().toString());
    assertTrue(outcome.err().getFirst().contains("the newest here: Java 17 in "));
  }

  @Test
  void aRuntimeWithoutACompilerWillNotDo() throws Exception {
    Files.delete(jdk("jre-25", "25.0.1").resolve("bin/javac"));
    Shell.Outcome outcome = nacre("train");
    assertEquals(1, outcome.status());
    assertTrue(outcome.err().getFirst().contains("Java 25 without a compiler"));
  }

  @Test
  void aJdkThatIsAskedForMustBeNewEnough() throws Exception {
    jdk("java-25", "25.0.1");
    environment.put("NACRE_JAVA_HOME", jdk("java-17", "17.0.15").toString());
    Shell.Outcome outcome = nacre("train");
    assertEquals(1, outcome.status());
    assertEquals(1, outcome.err().size(), () -> outcome.err().toString());
    assertTrue(outcome.err().getFirst().contains("NACRE_JAVA_HOME"));
  }

  @Test
  void theJdkBesideAnOlderOneIsFound() throws Exception {
    environment.put("JAVA_HOME", jdk("java-8", "1.8.0_392").toString());
    Path old = jdk("java-17", "17.0.15");
    Files.createSymbolicLink(bin.resolve("java"), old.resolve("bin/java"));
    Path right = jdk("java-25", "25.0.1");
    jdk("java-26", "26");
    maven();
    assertEquals("java " + right.resolve("bin/java"), nacre("train").out().getFirst());
  }

  @Test
  void aJdkOnThePathIsFoundThroughLinks() throws Exception {
    Path right = jdk("java 25", "25");
    environment.put("NACRE_JDK_FOLDERS", "");
    Path alternatives = Files.createDirectories(temporary.resolve("alternatives"));
    Files.createSymbolicLink(alternatives.resolve("javac"), right.resolve("bin/javac"));
    Files.createSymbolicLink(bin.resolve("javac"), alternatives.resolve("javac"));
    maven();
    assertEquals("java " + right.toRealPath().resolve("bin/java"), nacre("train").out().getFirst());
  }

  @Test
  void argumentsAndFolderReachTheCommandAsTheyAre() throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    Path elsewhere = Files.createDirectories(temporary.resolve("else where")).toRealPath();
    Path link = Files.createSymbolicLink(bin.resolve("nacre"), root.resolve("nacre"));
    Shell.Outcome outcome =
        Shell.run(
            elsewhere,
            environment,
            List.of(link.toString(), "sample", "--edit", "move box 1 0 0", "", "*"));
    assertEquals(0, outcome.status(), () -> outcome.err().toString());
    assertTrue(outcome.out().contains("in " + elsewhere));
    assertEquals(
        List.of("[sample]", "[--edit]", "[move box 1 0 0]", "[]", "[*]"),
        outcome.out().subList(outcome.out().size() - 5, outcome.out().size()));
    assertTrue(
        outcome
            .out()
            .contains(
                "["
                    + root.toRealPath().resolve("tools/cli/target/nacre.jar")
                    + ":"
                    + root.toRealPath().resolve("tools/studio/target/studio.jar")
                    + ":"
                    + root.toRealPath().resolve("tools/lab/target/lab.jar")
                    + "]"),
        () -> outcome.out().toString());
  }

  @Test
  void optionsForTheJvmComeAfterItsOwn() throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    environment.put("NACRE_JAVA_OPTS", "-Xmx9g -ea");
    List<String> out = nacre("train").out();
    assertTrue(
        out.indexOf("[-Xmx9g]") > out.indexOf("[--enable-native-access=ALL-UNNAMED]"),
        out::toString);
    assertTrue(out.contains("[-ea]"), out::toString);
  }

  @Test
  void whatIsMissingOrOldIsBuiltAndNothingElse() throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    Shell.Outcome first = nacre("train");
    assertEquals(0, first.status(), () -> first.err().toString());
    assertEquals(1, first.err().size(), () -> first.err().toString());
    assertTrue(first.err().getFirst().startsWith("nacre: building"));
    assertEquals(1, mavenCalls().size());
    assertTrue(mavenCalls().getFirst().startsWith("-o "), () -> mavenCalls().toString());

    assertEquals(List.of(), nacre("train").err());
    assertEquals(1, mavenCalls().size());

    Path test =
        Files.createDirectories(root.resolve("tools/cli/src/test")).resolve("SomeTest.java");
    Files.writeString(test, "");
    later(test);
    nacre("train");
    assertEquals(1, mavenCalls().size(), "a test is no part of what runs");

    Path source = root.resolve("tools/cli/src/main/java/Some.java");
    Files.writeString(source, "");
    later(source);
    environment.put("NACRE_NO_BUILD", "1");
    assertEquals(List.of(), nacre("train").err());
    assertEquals(1, mavenCalls().size());
    environment.remove("NACRE_NO_BUILD");
    nacre("train");
    assertEquals(2, mavenCalls().size());
  }

  @Test
  void theNetworkIsUsedWhereABuildNeedsIt() throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    environment.put("MAVEN_FAILS", "offline");
    Shell.Outcome outcome = nacre("train");
    assertEquals(0, outcome.status(), () -> outcome.err().toString());
    assertEquals(1, outcome.err().size(), () -> outcome.err().toString());
    assertEquals(2, mavenCalls().size());
    assertFalse(mavenCalls().getLast().startsWith("-o "));
  }

  @Test
  void aBuildThatFailsIsShown() throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    environment.put("MAVEN_FAILS", "always");
    Shell.Outcome outcome = nacre("train");
    assertEquals(1, outcome.status());
    assertEquals(1, mavenCalls().size(), "the network would not have helped");
    assertTrue(outcome.err().contains("[ERROR] Foo.java:[3,4] cannot find symbol"));
    assertEquals("nacre: the build failed, as shown above", outcome.err().getLast());
    assertEquals(List.of(), outcome.out());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void ofTwoLaunchersAtOnceOneBuildsAndTheOtherWaits(boolean flock) throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    useFlock(flock);
    environment.put("MAVEN_TAKES", "3");
    try (ExecutorService both = Executors.newFixedThreadPool(2)) {
      List<Callable<Shell.Outcome>> starts = List.of(() -> nacre("train"), () -> nacre("sample"));
      List<String> errors = new ArrayList<>();
      for (Future<Shell.Outcome> started : both.invokeAll(starts)) {
        assertEquals(0, started.get().status(), () -> outcome(started).err().toString());
        errors.addAll(outcome(started).err());
      }
      assertEquals(2, errors.size(), errors::toString);
      assertEquals(1, errors.stream().filter(l -> l.startsWith("nacre: building")).count());
      assertEquals(1, errors.stream().filter(l -> l.startsWith("nacre: waiting")).count());
    }
    assertEquals(1, mavenCalls().size());
    assertFalse(Files.exists(lock(), LinkOption.NOFOLLOW_LINKS), "the lock is free again");
  }

  @Test
  void theLockOfADeadProcessIsTakenOver() throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    Process dead = new ProcessBuilder("true").start();
    dead.waitFor();
    Files.createDirectories(lock().getParent());
    Files.createSymbolicLink(lock(), Path.of(Long.toString(dead.pid())));
    Shell.Outcome outcome = nacre("train");
    assertEquals(0, outcome.status(), () -> outcome.err().toString());
    assertEquals(1, outcome.err().size(), () -> outcome.err().toString());
    assertEquals(1, mavenCalls().size());
    assertFalse(Files.exists(lock(), LinkOption.NOFOLLOW_LINKS));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aBuildThatFailsFreesTheLock(boolean flock) throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    useFlock(flock);
    environment.put("MAVEN_FAILS", "always");
    assertEquals(1, nacre("train").status());
    environment.put("MAVEN_FAILS", "never");
    assertEquals(0, nacre("train").status());
  }

  @Test
  void whatIsBuiltRunsWhereNothingCanBeWritten() throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    nacre("train");
    Set<PosixFilePermission> readOnly = PosixFilePermissions.fromString("r-xr-xr-x");
    Files.setPosixFilePermissions(root, readOnly);
    try {
      assertEquals(List.of(), nacre("train").err());
    } finally {
      Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  @Test
  void aHeapOrACollectorOfOnesOwnReplacesTheLaunchers() throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    environment.put("NACRE_JAVA_OPTS", "-Xmx64m");
    List<String> small = nacre("train").out();
    assertTrue(small.contains("[-Xmx64m]"), small::toString);
    assertFalse(small.contains("[-Xms128m]"), "Java refuses to start: " + small);
    assertTrue(small.contains("[-XX:+UseSerialGC]"), small::toString);
    environment.put("NACRE_JAVA_OPTS", "-XX:+UseZGC");
    List<String> collector = nacre("train").out();
    assertFalse(collector.contains("[-XX:+UseSerialGC]"), "Java refuses to start: " + collector);
    assertTrue(collector.contains("[-Xmx2g]"), collector::toString);
  }

  @ParameterizedTest
  @CsvSource({
    "max, false",
    "9223372036854771712, false",
    "4294967296, false",
    "3221225472, true",
    "629145600, true"
  })
  void inASmallContainerTheHeapIsHalfOfIt(String limit, boolean small) throws Exception {
    jdk("java-25", "25.0.1");
    maven();
    Path file = Files.writeString(temporary.resolve("memory.max"), limit + "\n");
    environment.put("NACRE_MEMORY_FILES", file + " " + temporary.resolve("none"));
    List<String> called = nacre("train").out();
    assertEquals(small, called.contains("[-XX:MaxRAMPercentage=50]"), called::toString);
    assertEquals(!small, called.contains("[-Xmx2g]"), called::toString);
  }

  /**
   * In the locale of the user, in none, in one that is not installed, without the program that
   * asks.
   */
  @Test
  void javaIsTold8BitTextIsUtf8() throws Exception {
    Path home = jdk("java-25", "25.0.1");
    script(home.resolve("bin/java"), "#!/bin/sh\necho \"locale ${LC_ALL-}\"\n");
    maven();
    assertEquals(List.of("locale C.UTF-8"), nacre("train").out());
    environment.put("LC_ALL", "de_DE");
    assertEquals(List.of("locale C.UTF-8"), nacre("train").out());
    environment.put("LC_ALL", "ja_JP.utf8");
    assertEquals(List.of("locale ja_JP.utf8"), nacre("train").out());

    String locale = "#!/bin/sh\n[ \"$1\" = charmap ] && ";
    script(bin.resolve("locale"), locale + "echo ISO-8859-1\n");
    assertEquals(List.of("locale C.UTF-8"), nacre("train").out());
    script(bin.resolve("locale"), locale + "echo UTF-8\n");
    assertEquals(List.of("locale ja_JP.utf8"), nacre("train").out());
    String complaint = "echo 'locale: Cannot set LC_ALL to default locale' >&2 && ";
    script(bin.resolve("locale"), locale + complaint + "echo UTF-8\n");
    assertEquals(List.of("locale C.UTF-8"), nacre("train").out());
  }

  /** Java itself, in locales of which some are not installed. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void javaUnderstandsUtf8InEveryLocale() throws Exception {
    Path java = Path.of(System.getProperty("java.home"), "bin/java");
    jdk("java-25", "25.0.1");
    script(
        temporary.resolve("jvm/java-25/bin/java"),
        "#!/bin/sh\nexec '" + java + "' -XshowSettings:properties -version 2>&1\n");
    script(bin.resolve("locale"), "#!/bin/sh\nexec '" + locate("locale") + "' \"$@\"\n");
    maven();
    for (Map<String, String> locale :
        List.of(
            Map.<String, String>of(),
            Map.of("LANG", "tlh_KX.UTF-8"),
            Map.of("LANG", "de_DE", "LC_CTYPE", "C.UTF-8"),
            Map.of("LC_ALL", "POSIX", "LANG", "C.UTF-8"))) {
      Map<String, String> before = new TreeMap<>(environment);
      environment.putAll(locale);
      List<String> out = nacre("train").out();
      assertTrue(
          out.stream().anyMatch(line -> line.strip().equals("sun.jnu.encoding = UTF-8")),
          () -> locale + ": " + out);
      environment.clear();
      environment.putAll(before);
    }
  }

  @Test
  void withoutMavenOneLineSaysSo() throws Exception {
    jdk("java-25", "25.0.1");
    Shell.Outcome outcome = nacre("train");
    assertEquals(1, outcome.status());
    assertEquals(1, outcome.err().size(), () -> outcome.err().toString());
    assertTrue(outcome.err().getFirst().contains("install it"));
  }

  private static Shell.Outcome outcome(Future<Shell.Outcome> started) {
    return started.resultNow();
  }

  private Path lock() {
    return root.resolve("target/nacre-build.lock.pid");
  }

  private void useFlock(boolean wanted) throws IOException {
    if (wanted) {
      assumeTrue(find("flock").isPresent(), "there is no flock on this machine");
      script(bin.resolve("flock"), "#!/bin/sh\nexec '" + locate("flock") + "' \"$@\"\n");
    }
  }

  private Shell.Outcome nacre(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(root.resolve("nacre").toString()));
    command.addAll(List.of(arguments));
    return Shell.run(temporary, environment, command);
  }

  private Path jdk(String name, String version) throws IOException {
    Path home = Files.createDirectories(temporary.resolve("jvm").resolve(name));
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    script(home.resolve("bin/java"), TELLTALE);
    script(home.resolve("bin/javac"), TELLTALE);
    return home;
  }

  private void maven() throws IOException {
    script(bin.resolve("mvn"), MAVEN);
  }

  private List<String> mavenCalls() {
    try {
      return Files.readAllLines(calls);
    } catch (IOException e) {
      throw new AssertionError("Maven was never called", e);
    }
  }

  /** Gives a file a time that a build just made cannot have. */
  private static void later(Path file) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(5)));
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static Path locate(String utility) {
    return find(utility).orElseThrow(() -> new AssertionError(utility + " is not on the PATH"));
  }

  private static Optional<Path> find(String utility) {
    return Stream.of(System.getenv("PATH").split(":"))
        .map(folder -> Path.of(folder, utility))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
