package nacre.nn;

/** How the learning rate goes with the step. */
public sealed interface LearningRate {

  /**
   * The rate of a step.
   *
   * @param step counted from 0
   */
  double at(long step);

  /** Always the same. */
  record Constant(double rate) implements LearningRate {
    @Override
    public double at(long step) {
      return rate;
    }
  }

  /**
   * Rises in equal parts over {@code steps} steps to the rate at which {@code then} begins, and
   * goes on with {@code then} from its own step 0. The first step is at 1/steps of it, not at 0.
   */
  record WarmUp(long steps, LearningRate then) implements LearningRate {
    @Override
    public double at(long step) {
      return step < steps ? then.at(0) * (step + 1) / steps : then.at(step - steps);
    }
  }

  /**
   * Falls from {@code from} to {@code to} along half a cosine over {@code steps} steps (Loshchilov
   * and Hutter, 2017, without restarts), and stays there.
   */
  record Cosine(double from, double to, long steps) implements LearningRate {
    @Override
    public double at(long step) {
      double progress = step <= 0 ? 0 : Math.min(1, (double) step / Math.max(1, steps));
      return to + (from - to) * (1 + Math.cos(Math.PI * progress)) / 2;
    }
  }

  /** {@link Constant}. */
  static LearningRate constant(double rate) {
    return new Constant(rate);
  }

  /** Warm-up, then a cosine to {@code to}, {@code steps} steps in all. */
  static LearningRate cosine(double peak, double to, long warmUp, long steps) {
    LearningRate cosine = new Cosine(peak, to, steps - warmUp);
    return warmUp > 0 ? new WarmUp(warmUp, cosine) : cosine;
  }
}
