package nacre.neuralassets.data;

import java.util.Locale;
import java.util.stream.IntStream;

/**
 * A process's share of work that several processes divide: of any number of items a contiguous
 * part. The parts of all ranks are disjoint, together they are all items, and their sizes differ by
 * at most one.
 *
 * @param rank of the process, from 0
 * @param ranks how many processes there are
 */
public record Share(int rank, int ranks) {
  /** All of it: that of the only process. */
  public static final Share WHOLE = new Share(0, 1);

  /**
   * Checks the range.
   *
   * @throws IllegalArgumentException if there is no such rank
   */
  public Share {
    if (rank < 0 || rank >= ranks) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "rank %d of %d: ranks are 0 to %d", rank, ranks, ranks - 1));
    }
  }

  /** The first item of the share. */
  public int from(int items) {
    return (int) ((long) items * rank / ranks);
  }

  /** The first item after the share. */
  public int to(int items) {
    return (int) ((long) items * (rank + 1) / ranks);
  }

  /** The items of the share. */
  public IntStream of(int items) {
    return IntStream.range(from(items), to(items));
  }

  /**
   * The share's clips of a finite source. They lie side by side in it, and so in few of its files.
   */
  public ClipSource of(ClipSource source) {
    return ranks == 1 ? source : new SomeClips(source, of(source.size()).boxed().toList());
  }
}
