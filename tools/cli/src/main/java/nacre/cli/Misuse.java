package nacre.cli;

import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.weights.NearName;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The one-line message of a command line that cannot be parsed, in place of the parser's own. */
final class Misuse {
  private static final Pattern OPTION = Pattern.compile("--[a-z][a-z-]*");

  private Misuse() {}

  /**
   * What is wrong, without the name of the program.
   *
   * @param words the command line
   */
  static String describe(ParameterException mistake, List<String> words) {
    return switch (mistake) {
      case UnmatchedArgumentException e -> unmatched(e);
      case MissingParameterException e when !e.getMissing().isEmpty() -> missing(e, words);
      case CommandLine.MutuallyExclusiveArgsException e -> exclusive(e);
      case CommandLine.MaxValuesExceededException e -> exclusive(e);
      case CommandLine.OverwrittenOptionException e ->
          ArgumentCheck.name(e.getOverwritten()) + " is given twice";
      case ParameterException e when e.getArgSpec() != null && e.getValue() != null -> value(e);
      default -> Failure.oneLine(mistake.getMessage());
    };
  }

  private static String unmatched(UnmatchedArgumentException mistake) {
    CommandLine command = mistake.getCommandLine();
    String word = mistake.getUnmatched().getFirst();
    if (mistake.isUnknownOption()) {
      return "there is no option " + word.replaceFirst("=.*", "") + near(mistake);
    }
    if (!command.getSubcommands().isEmpty()) {
      return "there is no command '" + word + "'" + near(mistake);
    }
    boolean takesSome = !command.getCommandSpec().positionalParameters().isEmpty();
    return String.format(
        Locale.ROOT,
        "'%s' is one word too many%s; a text with blanks wants quotes",
        word,
        takesSome ? "" : ", where options are wanted");
  }

  private static String near(UnmatchedArgumentException mistake) {
    List<String> known =
        mistake.isUnknownOption()
            ? mistake.getCommandLine().getCommandSpec().options().stream()
                .filter(option -> !option.hidden())
                .flatMap(option -> Stream.of(option.names()))
                .toList()
            : List.copyOf(mistake.getCommandLine().getSubcommands().keySet());
    String word = mistake.getUnmatched().getFirst().replaceFirst("=.*", "");
    return NearName.hint(word, known);
  }

  private static String missing(MissingParameterException mistake, List<String> words) {
    ArgSpec first = mistake.getMissing().getFirst();
    boolean named =
        first instanceof OptionSpec option
            && Stream.of(option.names())
                .anyMatch(n -> words.stream().anyMatch(w -> w.equals(n) || w.equals(n + "=")));
    if (named) {
      return String.format(
          Locale.ROOT,
          "%s wants a value after it: %s",
          ArgumentCheck.name(first),
          first.paramLabel());
    }
    String all =
        mistake.getMissing().stream()
            .map(a -> a.isOption() ? ArgumentCheck.name(a) + " " + a.paramLabel() : a.paramLabel())
            .collect(Collectors.joining(" and "));
    return all + (mistake.getMissing().size() == 1 ? " is missing" : " are missing");
  }

  private static String exclusive(ParameterException mistake) {
    List<String> options =
        OPTION.matcher(mistake.getMessage()).results().map(MatchResult::group).distinct().toList();
    // The parser lists the whole group where one of it is given twice.
    List<String> given =
        OPTION
            .matcher(mistake.getMessage().replaceAll("\\[[^\\]]*\\|[^\\]]*\\]", ""))
            .results()
            .map(MatchResult::group)
            .distinct()
            .toList();
    return switch (given.size()) {
      case 0 -> options.isEmpty() ? Failure.oneLine(mistake.getMessage()) : options.getFirst();
      case 1 -> given.getFirst() + " is given twice";
      default -> String.join(" and ", given) + " exclude each other";
    };
  }

  private static String value(ParameterException mistake) {
    ArgSpec argument = mistake.getArgSpec();
    String name = ArgumentCheck.name(argument);
    if (argument.arity().max() == 0) {
      return name + " takes no value";
    }
    if (mistake.getCause() instanceof TypeConversionException own
        && argument.converters().length > 0) {
      return name + ": " + own.getMessage();
    }
    String value = mistake.getValue();
    return String.format(
        Locale.ROOT,
        "%s is %s, must be %s",
        name,
        value.isEmpty() ? "empty" : value,
        ArgumentCheck.accepted(argument, value));
  }
}
