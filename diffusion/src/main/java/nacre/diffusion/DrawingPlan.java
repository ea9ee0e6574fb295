package nacre.diffusion;

import nacre.diffusion.schedule.Scheduler;

/**
 * The plan for drawing a {@link Prompt} with its model: sizes, scheduler and numbers of steps.
 *
 * @param width of each picture in pixels
 * @param height of each picture in pixels
 * @param guidance scale of classifier-free guidance
 * @param scheduler the sampler, with its number of steps
 * @param firstStep index of the step to begin at: 0, or a later one if it begins from a picture
 * @param count number of pictures
 * @param batch how many are drawn at a time
 */
public record DrawingPlan(
    int width,
    int height,
    double guidance,
    Scheduler scheduler,
    int firstStep,
    int count,
    int batch) {

  /** Number of batches. */
  public int batches() {
    return (count + batch - 1) / batch;
  }

  /** Number of steps of each batch. */
  public int stepsPerBatch() {
    return scheduler.steps() - firstStep;
  }

  /** Number of steps of all batches. */
  public int steps() {
    return Math.multiplyExact(batches(), stepsPerBatch());
  }
}
