package nacre.nn;

/** A learning-rate schedule. */
public sealed interface LearningRate {

  /**
   * The rate of a step.
   *
   * @param step counted from 0
   */
  double at(long step);

  /** A constant rate. */
  record Constant(double rate) implements LearningRate {
    @Override
    public double at(long step) {
      return rate;
    }
  }

  /**
   * A linear warm-up over {@code steps} steps to the rate at which {@code then} begins, and from
   * there on {@code then}, from its own step 0. The first step is at 1/steps of it, not at 0.
   */
  record WarmUp(long steps, LearningRate then) implements LearningRate {
    @Override
    public double at(long step) {
      return step < steps ? then.at(0) * (step + 1) / steps : then.at(step - steps);
    }
  }

  /**
   * A cosine decay from {@code from} to {@code to} over {@code steps} steps (Loshchilov and Hutter,
   * 2017, without restarts); the rate stays there afterwards.
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
