package nacre.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.cli.Nacre;
import nacre.tensor.Setting;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** {@code docs/cli.md} says what the command line has: every command, option and variable. */
class ManualTest {
  private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--[a-z][a-z-]+");

  /** Options of programs other than Nacre that the page shows. */
  private static final Set<String> OTHERS = Set.of("--tuned", "--logdir", "--local-dir");

  /** Those that all commands have. */
  private static final Set<String> EVERYWHERE = Set.of("--help", "--version", "--debug");

  private final String page = read();
  private final Set<String> commands = new TreeSet<>();
  private final Set<String> options = new TreeSet<>();

  ManualTest() {
    collect(Nacre.commandLine(new PrintWriter(new StringWriter())), "");
  }

  private static String read() {
    try {
      return Files.readString(Path.of("../../docs/cli.md"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void collect(CommandLine command, String name) {
    command
        .getSubcommands()
        .forEach(
            (word, sub) -> {
              commands.add((name + " " + word).strip());
              collect(sub, name + " " + word);
            });
    for (OptionSpec option : command.getCommandSpec().options()) {
      if (!option.hidden()) {
        String longest = option.longestName();
        options.add(option.negatable() ? "--no-" + longest.substring(2) : longest);
      }
    }
  }

  @Test
  void everyCommandHasItsPlace() {
    Set<String> missing = new TreeSet<>();
    for (String command : commands) {
      String last = command.substring(command.lastIndexOf(' ') + 1);
      if (!page.contains("nacre " + command) && !page.contains("`" + last + "`")) {
        missing.add(command);
      }
    }
    assertEquals(Set.of(), missing);
  }

  @Test
  void everyOptionIsTold() {
    Set<String> missing = new TreeSet<>(options);
    missing.removeAll(EVERYWHERE);
    missing.removeIf(option -> Pattern.compile(option + "(?![a-z-])").matcher(page).find());
    assertEquals(Set.of(), missing);
  }

  @Test
  void noOptionIsToldThatIsNotThere() {
    Set<String> told = new TreeSet<>();
    Matcher matcher = OPTION.matcher(page.replaceAll("(?m)^jlink .*$", ""));
    while (matcher.find()) {
      told.add(matcher.group());
    }
    assertTrue(told.size() > 30, told.toString());
    told.removeAll(options);
    told.removeAll(OTHERS);
    assertEquals(Set.of(), told);
  }

  @Test
  void everyVariableIsTold() {
    for (Setting setting : Setting.values()) {
      assertTrue(page.contains("`" + setting.variable() + "`"), setting.variable());
    }
  }
}
