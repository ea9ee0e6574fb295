package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The midpoint method along the noise levels σ, between them at their geometric mean, as diffusers'
 * {@code KDPM2DiscreteScheduler} and {@code KDPM2AncestralDiscreteScheduler} (k-diffusion's {@code
 * sample_dpm_2} and {@code sample_dpm_2_ancestral}). It runs the model twice a step but for the
 * last. The ancestral variant steps below the next noise level and adds fresh noise up to it.
 */
public final class Dpm2Scheduler extends TwoStageScheduler {
  private final SigmaTable table;

  /** Where each step goes, the noise level between, and the noise that it adds. */
  private final float[] down;

  private final float[] middle;
  private final float[] up;

  Dpm2Scheduler(NoiseSchedule schedule, Dpm2Config method, int steps) {
    super(SigmaPath.of(schedule, method.sigmas(), steps, true));
    this.table = new SigmaTable(schedule);
    int count = path.length();
    down = new float[count];
    middle = new float[count];
    up = new float[count];
    for (int i = 0; i < count - 1; i++) {
      float from = path.sigma(i);
      down[i] = path.sigma(i + 1);
      if (method.ancestral()) {
        var way = EulerAncestralScheduler.Ancestral.between(from, down[i]);
        down[i] = way.down();
        up[i] = way.up();
      }
      middle[i] = (float) Math.exp((Math.log(from) + Math.log(down[i])) / 2);
    }
  }

  @Override
  float sigma(int index) {
    return first(index) ? path.sigma(index / 2) : middle[index / 2];
  }

  @Override
  public double timestep(int index) {
    return first(index) ? path.timestep(index / 2) : (float) table.timestep(middle[index / 2]);
  }

  @Override
  public boolean isStochastic(int index) {
    return !first(index) && up[index / 2] > 0;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    int from = index / 2;
    double start = path.sigma(from);
    if (first(index)) {
      return path.advance(start, middle[from] - start, sample, sample, output);
    }
    try (Scope scope = Scope.open()) {
      Tensor y = path.advance(middle[from], down[from] - start, history.sample(1), sample, output);
      return scope.keep(isStochastic(index) ? mix(y, 1, noise, up[from]) : y);
    }
  }
}
