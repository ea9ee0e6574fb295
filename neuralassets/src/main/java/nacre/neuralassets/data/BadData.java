package nacre.neuralassets.data;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What becomes of clips that cannot be read: they end the run, or are told of once, counted and
 * left out. Which are left out depends on the data alone. Several threads may report at once.
 */
public final class BadData {
  private final Consumer<String> told;
  private final Set<String> clips = new HashSet<>();

  private BadData(Consumer<String> told) {
    this.told = told;
  }

  /** The first one ends the run. */
  public static BadData refused() {
    return new BadData(null);
  }

  /**
   * They are left out.
   *
   * @param told is given one line for each
   */
  public static BadData skipped(Consumer<String> told) {
    return new BadData(told);
  }

  /**
   * A clip could not be read.
   *
   * @param clip its name
   * @throws IOException the reason, unless such clips are left out
   */
  public synchronized void met(String clip, IOException reason) throws IOException {
    if (told == null) {
      throw reason;
    }
    if (clips.add(clip)) {
      told.accept(reason.getMessage());
    }
  }

  /** The number of clips that were left out so far. */
  public synchronized int count() {
    return clips.size();
  }
}
