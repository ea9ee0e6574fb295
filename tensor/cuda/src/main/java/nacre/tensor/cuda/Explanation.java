package nacre.tensor.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * Which engine served which operation how often, what was tuned, and what the libraries refused.
 */
final class Explanation {
  /** Work of an operation from which on it takes our own kernels milliseconds. */
  private static final long MUCH = 1_000_000_000;

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

  private final Set<String> warned = ConcurrentHashMap.newKeySet();
  private final Consumer<String> warnings;

  /**
   * @param warnings takes a sentence for each operation that is slower than its user would expect
   */
  Explanation(Consumer<String> warnings) {
    this.warnings = warnings;
  }

  /**
   * Counts what our own kernel served because a library did not, and warns the first time that this
   * is much work: it is right, and many times slower.
   *
   * @param operands what was asked for, in words
   * @param flop multiplications and additions
   */
  void countOwn(String operation, String operands, long flop) {
    count(operation, "own kernel");
    if (flop >= MUCH && warned.add(operation)) {
      warnings.accept(
          String.format(
              Locale.ROOT,
              "%s of %s: cuDNN has no engine, so Nacre's own kernel computes this and others like"
                  + " it, many times slower; --explain says why, a newer cuDNN may help",
              operation,
              operands));
    }
  }

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
