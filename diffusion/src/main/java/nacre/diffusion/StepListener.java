package nacre.diffusion;

/** A listener to the steps of a drawing, which may cancel it. */
@FunctionalInterface
public interface StepListener {

  /**
   * Called after each step. An exception that it throws ends the drawing and reaches the caller.
   *
   * @param step number of steps done, from 1
   * @param of total number of steps
   * @return whether to continue; if not, the drawing ends with a {@link
   *     java.util.concurrent.CancellationException}, and the model can be used again
   */
  boolean onStep(int step, int of);
}
