package nacre.tensor.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * Which engine served which operation how often, what was tuned, and what the libraries refused.
 */
final class Explanation {
  private record Served(String operation, String engine) implements Comparable<Served> {
    @Override
    public int compareTo(Served other) {
      int first = operation.compareTo(other.operation);
      return first == 0 ? engine.compareTo(other.engine) : first;
    }
  }

  private final Map<Served, LongAdder> counts = new ConcurrentSkipListMap<>();
  private final Map<String, String> refusals = new ConcurrentSkipListMap<>();
  private final Map<String, String> choices = new ConcurrentSkipListMap<>();

  void count(String operation, String engine) {
    counts.computeIfAbsent(new Served(operation, engine), s -> new LongAdder()).increment();
  }

  void refused(String what, String why) {
    refusals.put(what, why);
  }

  void tuned(String what, String how) {
    choices.put(what, how);
  }

  /** One line for each engine of each operation, then one for each thing timed or refused. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    counts.forEach(
        (served, n) ->
            lines.add(
                String.format(
                    Locale.ROOT, "%-24s %-20s %8d×", served.operation, served.engine, n.sum())));
    choices.forEach((what, how) -> lines.add("tuned: " + what + ": " + how));
    refusals.forEach((what, why) -> lines.add("refused: " + what + ": " + why));
    return lines;
  }
}
