package nacre.diffusion.schedule;

import static java.util.stream.Collectors.joining;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import nacre.weights.NearName;

/** The search for a scheduler by a name, Nacre's own or another tool's. */
final class SchedulerLookup {
  /** How many near names a message has. */
  private static final int NEAR = 3;

  private SchedulerLookup() {}

  /**
   * The scheduler of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  static SchedulerChoice find(List<SchedulerKind> kinds, String name) {
    String plain = SchedulerName.plain(name);
    for (SchedulerKind kind : kinds) {
      for (SchedulerName known : kind.names()) {
        if (known.matches(plain)) {
          return new SchedulerChoice(kind, known);
        }
        for (SigmaSpacing spacing : SigmaSpacing.NAMED) {
          if (plain.endsWith(spacing.word())
              && known.matches(plain.substring(0, plain.length() - spacing.word().length()))) {
            if (!kind.keys().contains(spacing.key())) {
              throw new IllegalArgumentException(
                  String.format(
                      Locale.ROOT,
                      "there is no scheduler '%s': %s, which is %s, has no %s in diffusers",
                      name,
                      known.name(),
                      kind,
                      spacing.key()));
            }
            return new SchedulerChoice(kind, known.with(spacing));
          }
        }
      }
    }
    throw unknown(kinds, name, plain);
  }

  private static IllegalArgumentException unknown(
      List<SchedulerKind> kinds, String name, String plain) {
    List<String> names =
        kinds.stream().flatMap(kind -> kind.names().stream()).map(SchedulerName::name).toList();
    String near =
        Schedulers.choices(kinds).stream()
            .filter(choice -> distance(choice.name(), plain) <= Math.max(2, plain.length() / 3))
            .sorted(Comparator.comparingInt(choice -> distance(choice.name(), plain)))
            .limit(NEAR)
            .map(SchedulerChoice::toString)
            .collect(joining(" or "));
    return new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "there is no scheduler '%s'%s; there are %d: %s",
            name,
            near.isEmpty() ? "" : ", did you mean " + near + "?",
            names.size(),
            String.join(", ", names)));
  }

  private static int distance(SchedulerName name, String plain) {
    return Stream.concat(Stream.of(name.name()), name.aliases().stream())
        .mapToInt(known -> NearName.distance(SchedulerName.plain(known), plain))
        .min()
        .orElseThrow();
  }
}
