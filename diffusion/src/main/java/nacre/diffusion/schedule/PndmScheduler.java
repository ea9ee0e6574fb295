package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Pseudo numerical methods for diffusion models on manifolds (Liu et al., 2022, algorithm 2), as
 * diffusers' {@code PNDMScheduler}: three Runge-Kutta steps, each of which runs the model four
 * times, then linear multistep. Where the former are skipped, as in Stable Diffusion, the second
 * step corrects the first, and so there is one step more than asked for.
 */
public final class PndmScheduler extends TimestepScheduler {
  private static final int RUNGE_KUTTA_STEPS = 12;

  /** The Adams-Bashforth weights of the predictions, the newest first, by their number. */
  private static final double[][] WEIGHTS = {
    {1},
    {3 / 2.0, -1 / 2.0},
    {23 / 12.0, -16 / 12.0, 5 / 12.0},
    {55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0}
  };

  private final PndmConfig method;
  private final int stride;
  private final int requestedSteps;

  PndmScheduler(NoiseSchedule schedule, PndmConfig method, int steps) {
    int[] plain = schedule.config().timesteps(steps);
    int stride = schedule.timesteps() / steps;
    super(schedule, method.skipPrkSteps() ? withCorrection(plain) : withRungeKutta(plain, stride));
    this.method = method;
    this.requestedSteps = steps;
    this.stride = stride;
  }

  /** The second twice. */
  private static int[] withCorrection(int[] plain) {
    if (plain.length == 1) {
      return plain;
    }
    int[] timesteps = new int[plain.length + 1];
    timesteps[0] = plain[0];
    System.arraycopy(plain, 1, timesteps, 1, 1);
    System.arraycopy(plain, 1, timesteps, 2, plain.length - 1);
    return timesteps;
  }

  /** Three times four from the first to the fourth, through the timesteps halfway between. */
  private static int[] withRungeKutta(int[] plain, int stride) {
    if (plain.length < 4) {
      throw new IllegalArgumentException(
          "scheduler: PNDMScheduler with skip_prk_steps = false wants at least 4 steps, not "
              + plain.length);
    }
    int[] timesteps = new int[RUNGE_KUTTA_STEPS + plain.length - 3];
    for (int i = 0; i < 3; i++) {
      int halfway = plain[i + 1] + stride / 2;
      timesteps[4 * i] = plain[i];
      timesteps[4 * i + 1] = halfway;
      timesteps[4 * i + 2] = halfway;
      timesteps[4 * i + 3] = plain[i + 1];
    }
    System.arraycopy(plain, 3, timesteps, RUNGE_KUTTA_STEPS, plain.length - 3);
    return timesteps;
  }

  @Override
  public int requestedSteps() {
    return requestedSteps;
  }

  @Override
  public boolean isStochastic(int index) {
    return false;
  }

  @Override
  public History start(int index) {
    if (index > 0 && !method.skipPrkSteps()) {
      throw new IllegalArgumentException(
          "scheduler: PNDMScheduler with skip_prk_steps = false starts at step 0 only, not at "
              + index);
    }
    return new History(index, method.skipPrkSteps() ? 5 : RUNGE_KUTTA_STEPS + 1);
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    int number = history.before();
    try (Scope scope = Scope.open()) {
      boolean rungeKutta = !method.skipPrkSteps() && number < RUNGE_KUTTA_STEPS;
      return scope.keep(rungeKutta ? rungeKutta(number, history) : multistep(index, history));
    }
  }

  private Tensor rungeKutta(int number, History history) {
    int phase = number % 4;
    int from = timesteps[number - phase];
    int to = timesteps[number] - (phase % 2 == 0 ? stride / 2 : 0);
    Tensor prediction = history.output(0);
    if (phase == 3) {
      prediction =
          WeightedTensor.sum(
              new WeightedTensor(1 / 6.0, history.output(3)),
              new WeightedTensor(1 / 3.0, history.output(2)),
              new WeightedTensor(1 / 3.0, history.output(1)),
              new WeightedTensor(1 / 6.0, history.output(0)));
    }
    return transfer(history.sample(phase), prediction, from, to);
  }

  private Tensor multistep(int index, History history) {
    int timestep = timesteps[index];
    if (method.skipPrkSteps() && history.before() == 1) {
      Tensor mean = mix(history.output(0), 0.5, history.output(1), 0.5);
      return transfer(history.sample(1), mean, timestep + stride, timestep);
    }
    List<Tensor> predictions = predictions(history);
    double[] weights = WEIGHTS[predictions.size() - 1];
    WeightedTensor[] older = new WeightedTensor[weights.length - 1];
    for (int i = 0; i < older.length; i++) {
      older[i] = new WeightedTensor(weights[i + 1], predictions.get(i + 1));
    }
    Tensor prediction =
        WeightedTensor.sum(new WeightedTensor(weights[0], predictions.getFirst()), older);
    return transfer(history.sample(0), prediction, timestep, timestep - stride);
  }

  /** Up to four, the newest first: those at timesteps, not those that only helped between. */
  private List<Tensor> predictions(History history) {
    List<Tensor> predictions = new ArrayList<>();
    for (int ago = 0; ago <= history.before() && predictions.size() < 4; ago++) {
      int number = history.before() - ago;
      boolean helper =
          method.skipPrkSteps() ? number == 1 : number < RUNGE_KUTTA_STEPS && number % 4 != 0;
      if (!helper) {
        predictions.add(history.output(ago));
      }
    }
    return predictions;
  }

  /** Equation 11: from the noise level of one timestep to that of another. */
  private Tensor transfer(Tensor sample, Tensor prediction, int from, int to) {
    float alpha = schedule.alphaCumprod(from);
    float next = schedule.alphaCumprod(to, method.setAlphaToOne());
    Tensor noise = schedule.config().predictionType().conversion(alpha).noise(sample, prediction);
    double ofSample = Math.sqrt(next / alpha);
    double divisor = alpha * Math.sqrt(1f - next) + Math.sqrt(alpha * (1f - alpha) * next);
    return mix(sample, ofSample, noise, -(next - alpha) / divisor);
  }
}
