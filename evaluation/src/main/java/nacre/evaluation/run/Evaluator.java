package nacre.evaluation.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditCases;

/**
 * The drawing and measuring of all cases by methods. What is in the folder already is not done
 * again: after each batch its pictures and values are written, so that an evaluation that was
 * killed goes on where it was. Pictures are measured as their files have them, in 256 levels, and
 * have the same values whether they were drawn now or before.
 */
public final class Evaluator {
  private final EditCases cases;
  private final List<CaseMetric> metrics;
  private final Set<String> keys;
  private final EvaluationFolder folder;
  private final boolean keepsPictures;
  private final Progress progress;

  /** What is told while cases are drawn. */
  public interface Progress {
    /** Nothing is told. */
    Progress NONE = (_, _) -> {};

    /**
     * More cases of a method and seed are done.
     *
     * @param done cases, those that were done before included
     * @param drawn pictures since it was called last
     */
    void done(int done, int drawn);

    /** Called now and then; what it throws ends the evaluation. */
    default void eachStep() {}
  }

  /**
   * An evaluation.
   *
   * @param metrics no two of which have the same name
   * @param keepsPictures whether the pictures are written beside the values
   */
  public Evaluator(
      EditCases cases,
      List<CaseMetric> metrics,
      EvaluationFolder folder,
      boolean keepsPictures,
      Progress progress) {
    this.cases = cases;
    this.metrics = List.copyOf(metrics);
    this.keys = metrics.stream().map(CaseMetric::key).collect(Collectors.toSet());
    this.folder = folder;
    this.keepsPictures = keepsPictures;
    this.progress = progress;
  }

  /**
   * Draws and measures what is left of a method with one seed.
   *
   * @throws IOException in one line, if the folder has values of something else, or a case cannot
   *     be read
   */
  public MethodValues run(Contender contender, long seed) throws IOException {
    return run(contender, seed, _ -> true);
  }

  /**
   * The same of a part of the cases, where several processes that share the folder divide them.
   *
   * @param mine which files of values are this process's, by their numbers from 0 to {@link #files}
   * @return the values of those cases
   */
  public MethodValues run(Contender contender, long seed, IntPredicate mine) throws IOException {
    Shard.Key key = new Shard.Key(contender.name(), contender.digest(), cases.digest(), seed);
    SortedMap<Integer, CaseValues> all = new TreeMap<>();
    Work work = Work.NONE;
    try (OpenedMethod method = new OpenedMethod(contender)) {
      for (int from = 0; from < cases.size(); from += EvaluationFolder.SHARD) {
        int to = Math.min(from + EvaluationFolder.SHARD, cases.size());
        if (!mine.test(from / EvaluationFolder.SHARD)) {
          continue;
        }
        Shard shard = folder.read(key, from);
        List<Integer> left = left(shard, from, to);
        progress.done(to - left.size(), 0);
        while (!left.isEmpty()) {
          List<Integer> batch = left.subList(0, Math.min(batch(key, left, method), left.size()));
          shard = measured(shard, batch, method);
          folder.write(shard, from);
          left = left.subList(batch.size(), left.size());
          progress.done(to - left.size(), batch.size());
        }
        all.putAll(shard.values());
        work = work.plus(shard.work());
      }
    }
    return new MethodValues(contender.name(), seed, all, work);
  }

  /** Files of values that a method's cases have with each seed. */
  public int files() {
    return Math.ceilDiv(cases.size(), EvaluationFolder.SHARD);
  }

  /** As many as the method draws at a time, and all where nothing is to be drawn. */
  private int batch(Shard.Key key, List<Integer> left, OpenedMethod method) throws IOException {
    boolean drawn = left.stream().allMatch(number -> folder.hasPicture(key, number));
    return drawn ? left.size() : method.get().batch();
  }

  /** The numbers of the cases of which a value or a picture is missing. */
  private List<Integer> left(Shard shard, int from, int to) {
    return IntStream.range(from, to).filter(i -> !isDone(shard, i)).boxed().toList();
  }

  private boolean isDone(Shard shard, int number) {
    CaseValues known = shard.values().get(number);
    return known != null
        && known.has(keys)
        && (!keepsPictures || known.refusal() != null || folder.hasPicture(shard.key(), number));
  }

  /** Draws some cases of a shard and measures them. */
  private Shard measured(Shard shard, List<Integer> numbers, OpenedMethod method)
      throws IOException {
    BatchDrawing drawing = new BatchDrawing(folder, shard.key(), method, progress::eachStep);
    drawing.add(read(numbers));
    List<NumberedCase> drawn = drawing.drawn();
    SortedMap<Integer, CaseValues> values = new TreeMap<>(shard.values());
    drawing.refused().forEach(one -> values.put(one.number(), one));
    long start = System.nanoTime();
    List<EditCase> edits = drawn.stream().map(NumberedCase::edit).toList();
    for (CaseMetric metric : metrics) {
      double[] measured = metric.of(edits, drawing.pictures());
      for (int i = 0; i < measured.length; i++) {
        NumberedCase one = drawn.get(i);
        values
            .computeIfAbsent(one.number(), _ -> CaseValues.none(one))
            .values()
            .put(metric.key(), measured[i]);
      }
    }
    double measuring = (System.nanoTime() - start) / 1e9;
    if (keepsPictures) {
      for (int i = 0; i < drawn.size(); i++) {
        NumberedCase one = drawn.get(i);
        folder.writePicture(
            shard.key(), one.number(), drawing.pictures().get(i), one.edit().size());
      }
    }
    Work work = new Work(drawing.count(), drawing.seconds(), drawn.size(), measuring);
    return new Shard(shard.key(), values, shard.work().plus(work));
  }

  /** The cases of some numbers, but those that cannot be read and are left out. */
  private List<NumberedCase> read(List<Integer> numbers) throws IOException {
    try {
      return numbers.parallelStream().map(this::read).flatMap(Optional::stream).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private Optional<NumberedCase> read(int number) {
    try {
      return cases.get(number).map(edit -> new NumberedCase(number, edit));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
