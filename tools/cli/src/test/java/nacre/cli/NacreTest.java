package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.concurrent.Callable;
import nacre.cli.options.UserException;
import nacre.cli.output.StandardOutput;
import nacre.neuralassets.evaluation.Evaluation;
import nacre.neuralassets.evaluation.Similarity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

class NacreTest {
  private final StringWriter err = new StringWriter();

  /** A command that fails with a given exception. */
  @Command(name = "fail")
  static final class Fail implements Callable<Integer> {
    private final Throwable failure;

    @Option(names = "--count")
    private int count;

    Fail(Throwable failure) {
      this.failure = failure;
    }

    @Override
    public Integer call() throws Exception {
      if (failure instanceof Error error) {
        throw error;
      }
      throw (Exception) failure;
    }
  }

  private int run(Throwable failure, String... args) {
    CommandLine line =
        Nacre.commandLine(new PrintWriter(err, true))
            .addSubcommand(new CommandLine(new Fail(failure)));
    return Nacre.run(line, args);
  }

  private List<String> lines() {
    return err.toString().lines().toList();
  }

  record Case(Throwable failure, String line) {}

  static List<Case> failures() {
    return List.of(
        new Case(new UserException("no preset is called demmo"), "no preset is called demmo"),
        new Case(new IllegalArgumentException("steps is 0"), "steps is 0"),
        new Case(new NoSuchFileException("a/b.json"), "a/b.json: no such file or folder"),
        new Case(new FileNotFoundException("c.png (No such file)"), "c.png (No such file)"),
        new Case(new AccessDeniedException("a"), "a: access denied"),
        new Case(
            new FileSystemException("m.tmp", null, "No space left on device"),
            "m.tmp: No space left on device"),
        new Case(
            new UncheckedIOException(new NoSuchFileException("x")), "x: no such file or folder"),
        new Case(new IOException("line one\n  line two\r\n"), "line one line two"),
        new Case(
            new NullPointerException("shape"),
            "java.lang.NullPointerException: shape (--debug shows where)"),
        new Case(
            new IllegalStateException(), "java.lang.IllegalStateException (--debug shows where)"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aFailureIsOneLineAndStatusOne(Case failing) {
    assertEquals(1, run(failing.failure(), "fail"));
    assertEquals(List.of("nacre: " + failing.line()), lines());
  }

  @Test
  void debugShowsTheStackTraceBeforeTheLine() {
    assertEquals(1, run(new UserException("why"), "fail", "--debug"));
    assertTrue(err.toString().contains("\tat nacre."));
    assertEquals("nacre: why", lines().getLast());
  }

  @Test
  void debugMayStandBeforeTheCommand() {
    assertEquals(1, run(new UserException("why"), "--debug", "fail"));
    assertTrue(lines().size() > 2);
  }

  @Test
  void runningOutOfHeapSaysHowToGetMore() {
    assertEquals(1, run(new OutOfMemoryError("Java heap space"), "fail"));
    assertEquals(1, lines().size());
    assertTrue(lines().getFirst().contains("NACRE_JAVA_OPTS"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"versoin", "fail --cuont=1", "fail --count=many", "version extra"})
  void aCommandLineThatMeansNothingIsOneLineAndStatusTwo(String line) {
    String[] args = line.split(" ");
    assertEquals(2, run(new AssertionError("never run"), args));
    assertEquals(1, lines().size());
    assertTrue(lines().getFirst().startsWith("nacre: "), lines()::getFirst);
    assertTrue(lines().getFirst().contains("--help"), lines()::getFirst);
  }

  @Test
  void aMisspeltCommandIsRecognized() {
    run(new AssertionError("never run"), "versoin");
    assertTrue(lines().getFirst().contains("did you mean version?"), lines()::getFirst);
  }

  /** Lists of commands show the first line of each description. */
  @Test
  void everyCommandIsDescribedByASentenceOfOneLine() {
    requireSentences(Nacre.commandLine(new PrintWriter(err, true)));
  }

  private static void requireSentences(CommandLine command) {
    String[] description = command.getCommandSpec().usageMessage().description();
    String first = description[0].strip();
    assertTrue(first.endsWith(".") && first.length() <= 140, command.getCommandName() + first);
    command.getSubcommands().values().forEach(NacreTest::requireSentences);
  }

  @Test
  void aModelThatIsAheadByNothingIsNotBehind() {
    var evaluation =
        new Evaluation(
            4, new Similarity(8, 0.1), new Similarity(9.25, 0.1), new Similarity(8.004, 0.1));
    String[] rows = EvalCommand.rows(evaluation);
    assertTrue(rows[1].endsWith("   -1.25 dB"), rows[1]);
    assertTrue(rows[2].endsWith("   +0.00 dB"), rows[2]);
  }

  @Test
  void versionTellsTheVersionsItRunsOn() {
    StringWriter out = new StringWriter();
    int status =
        Nacre.commandLine(new PrintWriter(err, true))
            .setOut(new PrintWriter(out, true))
            .execute("version");
    assertEquals(0, status);
    assertEquals("", err.toString());
    assertTrue(out.toString().matches("(?s)nacre +\\d+\\.\\d+\\.\\d+.*"), out::toString);
    assertTrue(out.toString().contains(Runtime.version().toString()), out::toString);
    assertFalse(out.toString().contains("${"), out::toString);
  }

  /** A full device, which Linux has; nothing may say that all went well. */
  @EnabledOnOs(OS.LINUX)
  @ParameterizedTest
  @ValueSource(
      strings = {"version", "doctor", "completion", "--help", "weights inspect ../../models/demo"})
  void outputThatCannotBeWrittenIsAFailure(String words) throws IOException {
    CommandLine line = Nacre.commandLine(new PrintWriter(err, true));
    try (OutputStream full = new FileOutputStream("/dev/full")) {
      var out = new StandardOutput(full, StandardCharsets.UTF_8);
      assertEquals(1, Nacre.run(line, words.split(" "), out));
    }
    assertEquals(1, lines().size(), err::toString);
    assertTrue(lines().getFirst().contains("standard output cannot be written"), err::toString);
  }
}
