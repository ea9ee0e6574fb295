package nacre.diffusion.schedule;

import java.util.Locale;
import nacre.tensor.Tensor;

/**
 * What samplers have in common that run the model twice for each step of theirs, but once for the
 * last: to callers each run is a step.
 */
abstract class TwoStageScheduler extends SigmaScheduler {
  TwoStageScheduler(SigmaPath path) {
    super(path);
  }

  /** Whether a run is the first of its step. */
  static boolean first(int index) {
    return index % 2 == 0;
  }

  @Override
  public int steps() {
    return 2 * path.length() - 1;
  }

  @Override
  public int requestedSteps() {
    return path.length();
  }

  @Override
  public int beginIndex(double strength) {
    return 2 * super.beginIndex(strength);
  }

  /** {@inheritDoc} In the middle of a step as at its end, as diffusers. */
  @Override
  public Tensor addNoise(int index, Tensor clean, Tensor noise) {
    return SigmaPath.addNoise(path.sigma((index + 1) / 2), clean, noise);
  }

  /** {@inheritDoc} It begins with a first stage. */
  @Override
  public History start(int index) {
    if (!first(index)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: step %d is the second stage of one; start at %d",
              index,
              index - 1));
    }
    return new History(index, 2);
  }
}
