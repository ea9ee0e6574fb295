package nacre.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import nacre.cli.options.MissingCommandException;
import nacre.cli.output.HarmlessWriter;
import nacre.cli.output.StandardOutput;
import nacre.cli.ranks.Ranks;
import nacre.cli.verify.VerifyCommand;
import nacre.cli.weights.WeightsCommand;
import nacre.tensor.Settings;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The command line: {@code nacre COMMAND …}.
 *
 * <p>Exit status 0 is success, 2 a command line that cannot be meant, such as an unknown option or
 * a value out of its range, and 1 every other failure. Either ends with one line on standard error,
 * {@code nacre: …}; {@code --debug} prints the stack trace before it.
 */
@Command(
    name = "nacre",
    description = "Trains and samples Neural Assets: diffusion models whose objects move in 3D.",
    mixinStandardHelpOptions = true,
    versionProvider = VersionCommand.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      TrainCommand.class,
      SampleCommand.class,
      EvalCommand.class,
      StudyCommand.class,
      DataCommand.class,
      VerifyCommand.class,
      VerifyRunCommand.class,
      WeightsCommand.class,
      DoctorCommand.class,
      CompletionCommand.class,
      VersionCommand.class,
      HelpCommand.class
    })
public final class Nacre implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of whatever fails.")
  private boolean debug;

  /** Runs one command and ends the JVM with its exit status. */
  public static void main(String[] args) {
    // Charts and sheets are drawn into files; no display is needed, and none may be looked for.
    System.setProperty("java.awt.headless", "true");
    PrintWriter err = new PrintWriter(System.err, true);
    try {
      Ranks.join(Settings.ofProcess(), err);
    } catch (IllegalArgumentException | IllegalStateException e) {
      err.println("nacre: " + e.getMessage());
      System.exit(CommandLine.ExitCode.SOFTWARE);
    }
    boolean isFirst = Ranks.current().isFirst();
    int status = run(args, err, isFirst ? StandardOutput.ofProcess() : StandardOutput.discarded());
    Ranks.leave(status, status == CommandLine.ExitCode.OK || status == TrainCommand.INTERRUPTED);
    System.exit(status);
  }

  /**
   * Runs one command.
   *
   * @param args the command and its arguments
   * @param err where the line that explains a failure goes
   * @return the exit status: 0, 1 or 2
   */
  public static int run(String[] args, PrintWriter err) {
    return run(args, err, new StandardOutput(System.out, System.out.charset()));
  }

  private static int run(String[] args, PrintWriter err, StandardOutput out) {
    CommandLine line;
    try {
      line = commandLine(HarmlessWriter.of(err));
    } catch (ServiceConfigurationError | CommandLine.InitializationException e) {
      err.println(
          "nacre: a jar beside Nacre's adds commands that cannot be used: " + e.getMessage());
      return CommandLine.ExitCode.SOFTWARE;
    }
    return run(line, args, out);
  }

  static int run(CommandLine line, String[] args) {
    return run(line, args, new StandardOutput(System.out, System.out.charset()));
  }

  /** Runs a command; what it printed has been written when this returns 0. */
  static int run(CommandLine line, String[] args, StandardOutput out) {
    for (String word : args) {
      if (word.indexOf('\uFFFD') >= 0) {
        line.getErr()
            .println(
                String.format(
                    Locale.ROOT,
                    "nacre: the argument '%s' is no text in UTF-8, or Java was not told that it is:"
                        + " its bytes are not those that were typed; give it in UTF-8, in a locale"
                        + " such as C.UTF-8",
                    Failure.oneLine(word)));
        return CommandLine.ExitCode.USAGE;
      }
    }
    PrintStream before = System.out;
    System.setOut(out.text());
    line.setOut(new PrintWriter(System.out, true));
    int status;
    try {
      status = line.execute(args);
    } catch (Error error) { // picocli passes on exceptions only
      status = line.<Nacre>getCommand().explain(error, line.getErr());
    } finally {
      System.setOut(before);
    }
    Optional<String> failure = out.failure();
    if (status != CommandLine.ExitCode.OK || failure.isEmpty()) {
      return status;
    }
    line.getErr().println("nacre: standard output cannot be written: " + failure.get());
    return CommandLine.ExitCode.SOFTWARE;
  }

  /** The command line with its error handling, to which commands may still be added. */
  public static CommandLine commandLine(PrintWriter err) {
    Nacre nacre = new Nacre();
    CommandLine line = new CommandLine(nacre);
    ServiceLoader.load(CommandProvider.class, Nacre.class.getClassLoader())
        .forEach(provider -> provider.commands().forEach(line::addSubcommand));
    return line.setErr(err)
        // What colors are made of is taken out of all output, lest names in files contain it.
        .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
        .setCaseInsensitiveEnumValuesAllowed(true)
        // A prompt may begin with @.
        .setExpandAtFiles(false)
        .setExecutionStrategy(
            parsed -> {
              ArgumentCheck.check(parsed);
              requireOne(parsed);
              return new CommandLine.RunLast().execute(parsed);
            })
        .setParameterExceptionHandler((mistake, words) -> refuse(mistake, words, err))
        .setExecutionExceptionHandler((failure, command, parsed) -> nacre.explain(failure, err));
  }

  /** Several processes of a command that does not know of the others would each do all of it. */
  private static void requireOne(CommandLine.ParseResult parsed) {
    CommandLine command = parsed.asCommandLineList().getLast();
    if (Ranks.current().several() && !(command.getCommand() instanceof ManyProcesses)) {
      throw new ParameterException(
          command,
          String.format(
              Locale.ROOT,
              "%s does not divide its work among processes: start it without the launcher",
              command.getCommandSpec().qualifiedName()));
    }
  }

  /** Without a command, lists the commands. */
  @Override
  public void run() {
    throw new MissingCommandException(spec);
  }

  private int explain(Throwable failure, PrintWriter err) {
    Ranks ranks = Ranks.current();
    ranks.leaveItToFirst();
    if (debug) {
      failure.printStackTrace(err);
    }
    err.println(
        "nacre: "
            + ranks.speaker()
            + Failure.describe(failure)
            + (debug ? "" : Failure.hint(failure)));
    return Failure.isUsage(failure) ? CommandLine.ExitCode.USAGE : CommandLine.ExitCode.SOFTWARE;
  }

  private static int refuse(ParameterException mistake, String[] words, PrintWriter err) {
    if (!Ranks.current().isFirst()) {
      return CommandLine.ExitCode.USAGE; // all were given the same
    }
    CommandLine command = mistake.getCommandLine();
    if (mistake instanceof MissingCommandException) {
      command.usage(err);
    }
    err.println(
        String.format(
            Locale.ROOT,
            "nacre: %s (%s --help lists what there is)",
            Misuse.describe(mistake, List.of(words)),
            command.getCommandSpec().qualifiedName()));
    return CommandLine.ExitCode.USAGE;
  }
}
