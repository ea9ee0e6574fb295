package nacre.neuralassets.training;

import java.util.Locale;
import nacre.neuralassets.model.TrainingConfig;
import nacre.nn.LearningRate;

/**
 * The length of a run, on which its learning-rate schedule depends.
 *
 * <p>A run of a given time has no number of steps at first. Once its pace is known the number is
 * fixed and saved in its checkpoints, so that a resumed run continues with the same schedule.
 */
public sealed interface RunLength {
  /** A number of steps, counted from the beginning of the run. */
  record Steps(long total) implements RunLength {
    /** Checks that there is at least one step. */
    public Steps {
      if (total < 1) {
        throw new IllegalArgumentException("a run of " + total + " steps; at least 1 is wanted");
      }
    }
  }

  /** A time, earlier starts of the run included. */
  record Minutes(double minutes) implements RunLength {
    /** Checks that the time is positive. */
    public Minutes {
      if (!(minutes > 0) || Double.isInfinite(minutes)) {
        throw new IllegalArgumentException(
            "a run of " + minutes + " minutes; more than 0 is wanted");
      }
    }
  }

  /**
   * The learning rate of a step.
   *
   * @param step counted from 0
   * @param total steps of the run; 0 while not fixed, when the rate warms up and then stays
   */
  static double rate(TrainingConfig training, long step, long total) {
    long warmUp = training.warmupSteps();
    double peak = training.learningRate();
    LearningRate rate;
    if (training.rateSchedule() == TrainingConfig.RateSchedule.CONSTANT || total == 0) {
      rate = LearningRate.constant(peak);
      rate = warmUp > 0 ? new LearningRate.WarmUp(warmUp, rate) : rate;
    } else {
      rate = LearningRate.cosine(peak, 0, warmUp, total);
    }
    return rate.at(step);
  }

  /**
   * What extending a run does to its learning rate, in one line. A schedule that ends with the run
   * is stretched: the steps to come have the rates of a run of the new length, those done had the
   * rates of one of the old.
   *
   * @param step steps done
   * @param total steps that the run had; 0 while not fixed
   * @param wanted steps that it has now
   */
  static String extension(TrainingConfig training, long step, long total, long wanted) {
    String rates =
        String.format(
            Locale.ROOT, "learning rate %.3g at step %d", rate(training, step, wanted), step + 1);
    String lengths = total > 0 ? total + " to " + wanted : "now " + wanted;
    boolean cosine = training.rateSchedule() == TrainingConfig.RateSchedule.COSINE;
    if (!cosine || total == 0) {
      return String.format(
          Locale.ROOT,
          "%s steps: %s, as if the run had had this length from the beginning",
          lengths,
          rates);
    }
    return String.format(
        Locale.ROOT,
        "%s steps: %s (%.3g with the old length), as the cosine now ends at step %d; a run of this"
            + " length from the beginning would have had other rates so far",
        lengths,
        rates,
        rate(training, step, total),
        wanted);
  }
}
