package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import java.util.Locale;
import nacre.tensor.Tensor;

/**
 * A sampler: the fixed number of denoising steps that lead from pure noise to a sample. What
 * depends on timesteps alone is computed by the constructor; a step consists of tensor operations
 * only, preferably in f32. A scheduler is stateless: what a run remembers is in its {@link
 * History}, so one scheduler serves any number of runs.
 *
 * <pre>{@code
 * Tensor x = scale(noise, scheduler.initNoiseSigma());
 * History history = scheduler.start(0);
 * for (int i = 0; i < scheduler.steps(); i++) {
 *   Tensor output = model(scheduler.scaleModelInput(i, x), scheduler.timestep(i));
 *   Tensor more = scheduler.isStochastic(i) ? randn() : null;
 *   x = scheduler.step(i, output, x, more, history);
 * }
 * }</pre>
 *
 * <p>Image to image begins at {@link #beginIndex} with {@link #addNoise} instead.
 *
 * <p>Anyone may implement it. {@link SchedulerProvider} gives such a class a name.
 */
public interface Scheduler {

  /**
   * The scheduler of a configuration.
   *
   * @param steps number of steps
   * @throws IllegalArgumentException if there are not so many timesteps
   */
  static Scheduler of(SchedulerConfig config, int steps) {
    return config.method().scheduler(new NoiseSchedule(config), steps);
  }

  /** The noise schedule of training, and with it the configuration. */
  NoiseSchedule schedule();

  /** The number of steps, each of which runs the model once. */
  int steps();

  /** The number of steps that were requested; some schedulers take a few more, or fewer. */
  default int requestedSteps() {
    return steps();
  }

  /** The timestep of a step, an input of the model; some schedulers have fractional ones. */
  double timestep(int index);

  /** The standard deviation of the initial noise. */
  default double initNoiseSigma() {
    return 1;
  }

  /** The model's input for a sample, {@code [N, ..]}, at a step: the sample, scaled for some. */
  default Tensor scaleModelInput(int index, Tensor sample) {
    return sample;
  }

  /**
   * The first step for image to image.
   *
   * @param strength share of the steps to take, from 0, not taken, to 1
   * @throws IllegalArgumentException if no step is left
   */
  default int beginIndex(double strength) {
    int taken = Math.min((int) (requestedSteps() * strength), requestedSteps());
    if (!(strength >= 0 && strength <= 1) || taken < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: strength %s leaves none of %d steps; it goes from %s to 1",
              strength,
              requestedSteps(),
              (float) (1.0 / requestedSteps())));
    }
    return requestedSteps() - taken;
  }

  /**
   * The scheduler of image to image in pipelines of latent consistency models: all steps are taken,
   * within the share of the timesteps that the strength leaves. By default this one, which takes a
   * share of its steps.
   *
   * @throws IllegalArgumentException if so many steps do not fit
   */
  default Scheduler within(double strength) {
    return this;
  }

  /**
   * A clean sample with as much noise as there is before a step, {@code [N, ..]} as both operands.
   *
   * @param noise standard normal
   */
  default Tensor addNoise(int index, Tensor clean, Tensor noise) {
    float alpha = schedule().alphaCumprod((int) timestep(index));
    return mix(clean, (float) Math.sqrt(alpha), noise, (float) Math.sqrt(1f - alpha));
  }

  /**
   * The same scheduler with another eta, which says how much noise steps add; 0 by default.
   *
   * @throws IllegalArgumentException if it has no eta, or not such a one
   */
  default Scheduler withEta(double eta) {
    if (eta != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: %s has no eta; DDIMScheduler and TCDScheduler have",
              schedule().config().kind()));
    }
    return this;
  }

  /** Whether step {@code index} adds noise. */
  boolean isStochastic(int index);

  /**
   * The empty history of a run that begins at a step; it belongs to the current scope.
   *
   * @throws IllegalArgumentException if it cannot begin there
   */
  default History start(int index) {
    return new History(index, 0);
  }

  /**
   * One step: the sample at the next timestep, {@code [N, ..]} as all operands.
   *
   * @param index number of the step; the one after the last one noted in {@code history}
   * @param output what the model predicted for {@code sample} at {@code timestep(index)}
   * @param noise standard normal; not used, and may be null, where {@link #isStochastic} is false
   * @param history what {@link #start} made, passed to each step of one run
   * @throws IllegalArgumentException if another step comes next
   */
  Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history);
}
