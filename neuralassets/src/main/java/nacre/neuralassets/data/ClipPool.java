package nacre.neuralassets.data;

/**
 * Where training clips come from. Which clips there are at a step is a function of the step alone,
 * and so are the clips. Used by one thread.
 */
public sealed interface ClipPool permits StreamedClips, StoredClips {
  /**
   * Number of clips from which a step may draw, at least 1.
   *
   * @param step counted from 0
   */
  int available(long step);

  /** Makes the clips that a step may draw from, where they are not there yet. */
  void prepare(long step);

  /** A clip of those that were prepared. */
  Clip clip(int index);

  /** One line for the start of a run. */
  String describe();
}
