package nacre.lab.gpu;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The runner of a part's programs. Each is a process of its own: a fault on a GPU makes the process
 * that hit it unusable, and a crash of native code ends it.
 *
 * @param home the unpacked archive
 * @param scratch a folder of the part's own, empty at first
 * @param log what programs print is added to it
 * @param python the interpreter of the peers; null where there is none
 * @param small whether to try the check itself, with little work
 * @param deadline when the part must end, as {@link System#nanoTime}
 * @param environment settings that programs get besides what the check was given
 */
record Workbench(
    Path home,
    Path scratch,
    Path log,
    Python python,
    boolean small,
    long deadline,
    Map<String, String> environment) {

  /** Lines of a program's output that are kept at its beginning and at its end, if all was well. */
  private static final int FEW = 40;

  /** The same of a program that failed. */
  private static final int MANY = 500;

  /** Text that is short enough to be read: its beginning and its end. */
  static String shortened(List<String> lines, int kept) {
    int left = lines.size() - 2 * kept;
    if (left <= 0) {
      return String.join("\n", lines);
    }
    return String.join("\n", lines.subList(0, kept))
        + String.format(Locale.ROOT, "\n… %d lines …\n", left)
        + String.join("\n", lines.subList(lines.size() - kept, lines.size()));
  }

  /** The output and exit status of a program. */
  record Ran(int status, List<String> lines) {
    /** The last line that begins with a word, unlike a stack trace's. */
    String last() {
      return lines.stream()
          .filter(line -> !line.isEmpty() && !Character.isWhitespace(line.charAt(0)))
          .reduce("it printed nothing", (earlier, later) -> later);
    }

    /** A short reason why a program did not exit with 0. */
    String failure() {
      String how =
          status > 128 && status < 160
              ? "was ended by signal " + (status - 128)
              : "ended with " + status;
      return how + ": " + last();
    }
  }

  /** The class path of Nacre, short enough for the log. */
  String jars() {
    return home.resolve("lib") + "/*";
  }

  /** A command of Nacre. */
  Ran nacre(String... words) throws IOException, InterruptedException {
    return nacre(List.of(words));
  }

  /** A command of Nacre. */
  Ran nacre(List<String> words) throws IOException, InterruptedException {
    return run(home, nacreCommand(words));
  }

  /** The command line of a command of Nacre. */
  List<String> nacreCommand(List<String> words) {
    List<String> command = java(jars());
    command.add("nacre.cli.Nacre");
    command.addAll(words);
    return command;
  }

  /** The command line of this Java. */
  static List<String> java(String classPath) {
    return new ArrayList<>(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-Xmx4g",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            classPath));
  }

  /**
   * Runs a program to its end.
   *
   * @throws Part.OutOfTime if it had to be stopped
   */
  Ran run(Path folder, List<String> command) throws IOException, InterruptedException {
    Path output = Files.createTempFile(scratch, "output-", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    boolean ended;
    try {
      ended = process.waitFor(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    int status = process.waitFor();
    String text = new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
    Files.writeString(
        log,
        String.format(
            Locale.ROOT,
            "$ %s%n%s%n",
            String.join(" ", command),
            shortened(text.lines().toList(), ended && status == 0 ? FEW : MANY)),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    Files.delete(output);
    if (!ended) {
      throw new Part.OutOfTime(command.getFirst());
    }
    return new Ran(status, text.lines().toList());
  }
}
