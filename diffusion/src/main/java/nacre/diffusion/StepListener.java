package nacre.diffusion;

import java.awt.image.BufferedImage;
import java.util.Optional;
import java.util.function.Supplier;

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

  /**
   * As the other, for one who may look at the picture as the model has it in mind.
   *
   * @param preview makes a small picture of it, of the first one of a batch, on this thread and
   *     before this returns; none where the autoencoder is not in memory meanwhile
   */
  default boolean onStep(int step, int of, Supplier<Optional<BufferedImage>> preview) {
    return onStep(step, of);
  }
}
