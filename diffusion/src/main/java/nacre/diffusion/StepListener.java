package nacre.diffusion;

/** Follows the steps of a drawing, and may end it. */
@FunctionalInterface
public interface StepListener {

  /**
   * Called behind each step. An exception that it throws ends the drawing and reaches the caller.
   *
   * @param step number of steps done, from 1
   * @param of number of steps in all
   * @return whether to go on; if not, the drawing ends with a {@link
   *     java.util.concurrent.CancellationException}, and the model can be used again
   */
  boolean onStep(int step, int of);
}
