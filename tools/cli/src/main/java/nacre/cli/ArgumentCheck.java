package nacre.cli;

import java.lang.reflect.AnnotatedElement;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import nacre.cli.options.Accepts;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ParseResult.GroupMatchContainer;

/** The check that arguments lie within what their options accept ({@link Accepts}). */
final class ArgumentCheck {
  private ArgumentCheck() {}

  /**
   * Checks all arguments of a command line.
   *
   * @throws ParameterException for the first that is not accepted
   */
  static void check(ParseResult parsed) {
    for (CommandLine command : parsed.asCommandLineList()) {
      requireOnce(command);
      for (ArgSpec argument : command.getParseResult().matchedArgs()) {
        List<String> given = argument.originalStringValues();
        for (String value : given) {
          requireText(command, argument, value);
        }
        for (Object value : argument.typedValues()) {
          for (Object element : value instanceof List<?> list ? list : List.of(value)) {
            requireInRange(command, argument, element);
          }
        }
      }
    }
  }

  /**
   * Refuses an option of a group that is given twice. With its second value picocli begins the
   * group anew, and what was given of it before is lost.
   */
  private static void requireOnce(CommandLine command) {
    for (ArgGroupSpec group : command.getCommandSpec().argGroups()) {
      Set<ArgSpec> seen = new HashSet<>();
      command.getParseResult().findMatches(group).stream()
          .flatMap(ArgumentCheck::given)
          .filter(argument -> !argument.typeInfo().isMultiValue())
          .filter(argument -> !seen.add(argument))
          .findFirst()
          .ifPresent(
              argument -> {
                throw new ParameterException(command, name(argument) + " is given twice");
              });
    }
  }

  /** The arguments that were given of a group and of the groups in it, once for each beginning. */
  private static Stream<ArgSpec> given(GroupMatchContainer container) {
    return container.matches().stream()
        .flatMap(
            match ->
                Stream.concat(
                    container.group().args().stream()
                        .filter(argument -> !match.matchedValues(argument).isEmpty()),
                    match.matchedSubgroups().values().stream().flatMap(ArgumentCheck::given)));
  }

  private static void requireText(CommandLine command, ArgSpec argument, String value) {
    boolean texts =
        argument.typeInfo().isMultiValue()
            || argument.type() == Path.class
            || argument.type() == String.class;
    if (value.isEmpty() && texts && !mayBeEmpty(argument)) {
      throw new ParameterException(
          command, name(argument) + " is empty, must be " + accepted(argument, value));
    }
  }

  private static void requireInRange(CommandLine command, ArgSpec argument, Object value) {
    if (!(value instanceof Number number)) {
      return;
    }
    double x = number.doubleValue();
    Accepts range = accepts(argument);
    boolean inside =
        Double.isFinite(x)
            && (range == null || (x >= range.from() && x > range.above() && x <= range.to()));
    if (!inside) {
      throw new ParameterException(
          command,
          String.format(
              Locale.ROOT,
              "%s is %s, must be %s",
              name(argument),
              number,
              accepted(argument, "" + value)));
    }
  }

  /** The name of an option, with dashes, or the label of a positional argument. */
  static String name(ArgSpec argument) {
    return argument instanceof OptionSpec option ? option.longestName() : argument.paramLabel();
  }

  /**
   * What an argument accepts, as it follows "must be".
   *
   * @param value what was given; where it is a number too long for its type, the type's bounds are
   *     named
   */
  static String accepted(ArgSpec argument, String value) {
    Class<?> type = elementType(argument);
    if (type == Path.class) {
      return "a file or folder";
    }
    if (type.isEnum()) {
      return "one of "
          + String.join(
              ", ",
              List.of(type.getEnumConstants()).stream()
                  .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
                  .toList());
    }
    boolean whole = type != double.class && type != Double.class;
    if (!whole || isInteger(type)) {
      return (whole ? "a whole number" : "a number") + range(argument, type, value);
    }
    return "a text, " + argument.paramLabel();
  }

  private static String range(ArgSpec argument, Class<?> type, String value) {
    Accepts range = accepts(argument);
    double from = range == null ? Double.NEGATIVE_INFINITY : range.from();
    double above = range == null ? Double.NEGATIVE_INFINITY : range.above();
    double to = range == null ? Double.POSITIVE_INFINITY : range.to();
    if (isInteger(type) && value.matches("[+-]?\\d{10,}")) {
      boolean wide = type == long.class || type == Long.class;
      from = Math.max(from, wide ? Long.MIN_VALUE : Integer.MIN_VALUE);
      to = Math.min(to, wide ? Long.MAX_VALUE : Integer.MAX_VALUE);
    }
    boolean bounded = to != Double.POSITIVE_INFINITY;
    if (above != Double.NEGATIVE_INFINITY) {
      return " above " + text(above) + (bounded ? ", " + text(to) + " at most" : "");
    }
    if (from == Double.NEGATIVE_INFINITY) {
      return bounded ? " of " + text(to) + " at most" : isInteger(type) ? "" : " that is finite";
    }
    return bounded ? " from " + text(from) + " to " + text(to) : " of " + text(from) + " or more";
  }

  private static String text(double bound) {
    return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
  }

  private static boolean isInteger(Class<?> type) {
    return type == int.class || type == Integer.class || type == long.class || type == Long.class;
  }

  private static Class<?> elementType(ArgSpec argument) {
    Class<?>[] auxiliary = argument.auxiliaryTypes();
    return argument.typeInfo().isMultiValue() && auxiliary.length > 0
        ? auxiliary[0]
        : argument.type();
  }

  private static boolean mayBeEmpty(ArgSpec argument) {
    Accepts accepts = accepts(argument);
    return accepts != null && accepts.empty();
  }

  private static Accepts accepts(ArgSpec argument) {
    return argument.userObject() instanceof AnnotatedElement field
        ? field.getAnnotation(Accepts.class)
        : null;
  }
}
