package nacre.neuralassets.data;

/**
 * How the source frame of a training pair is changed before the model sees it.
 *
 * @param isDropped whether a UNet that sees the source frame does not see it
 * @param isJittered whether the frame is a simulated one in which only the objects differ from the
 *     target
 * @param hidden by slot, whether its object is not shown; empty for none
 * @param hidesBackground whether nothing is shown but the objects
 */
public record SourceUse(
    boolean isDropped, boolean isJittered, boolean[] hidden, boolean hidesBackground) {
  /** A source frame as it is. */
  public static final SourceUse PLAIN = of(false);

  /** A source frame as it is, or dropped. */
  static SourceUse of(boolean isDropped) {
    return new SourceUse(isDropped, false, new boolean[0], false);
  }

  /** Whether what is shown is the frame itself. */
  boolean isWhole() {
    return !isJittered && hidden.length == 0;
  }
}
