package nacre.neuralassets.data;

/**
 * Where training clips come from. Which clips there are at a step is a function of the step alone,
 * whatever else the machine is doing.
 */
public interface ClipPool extends AutoCloseable {
  /**
   * Number of clips from which a step may draw, at least 1.
   *
   * @param step counted from 0
   */
  int available(long step);

  /** A clip, waiting for it if need be. Safe on any thread. */
  Clip clip(int index);

  /** Lets clips that later steps will need be made meanwhile. */
  void announce(long step);

  /** One line for the start of a run. */
  String describe();

  /** Ends what is done in the background. */
  @Override
  void close();
}
