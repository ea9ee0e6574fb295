package outside;

import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Mix.mix;

import nacre.diffusion.schedule.History;
import nacre.diffusion.schedule.NoiseSchedule;
import nacre.diffusion.schedule.Scheduler;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * A scheduler of a user: Euler's steps with fresh noise (Karras et al., 2022, as k-diffusion's
 * {@code sample_euler_ancestral}), for models that predict the noise.
 */
final class Ancestral implements Scheduler {
  private final NoiseSchedule schedule;
  private final int[] timesteps;

  Ancestral(NoiseSchedule schedule, int steps) {
    this.schedule = schedule;
    this.timesteps = new int[steps];
    for (int i = 0; i < steps; i++) {
      timesteps[i] = (steps - i) * schedule.timesteps() / steps - 1;
    }
  }

  private double sigma(int index) {
    if (index == timesteps.length) {
      return 0;
    }
    double alpha = schedule.alphaCumprod(timesteps[index]);
    return Math.sqrt((1 - alpha) / alpha);
  }

  @Override
  public NoiseSchedule schedule() {
    return schedule;
  }

  @Override
  public int steps() {
    return timesteps.length;
  }

  @Override
  public double timestep(int index) {
    return timesteps[index];
  }

  @Override
  public double initNoiseSigma() {
    return sigma(0);
  }

  @Override
  public Tensor scaleModelInput(int index, Tensor sample) {
    double sigma = sigma(index);
    return scale(sample, 1 / Math.sqrt(sigma * sigma + 1));
  }

  @Override
  public Tensor addNoise(int index, Tensor clean, Tensor noise) {
    return mix(clean, 1, noise, sigma(index));
  }

  @Override
  public boolean isStochastic(int index) {
    return index < timesteps.length - 1;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    double from = sigma(index);
    double to = sigma(index + 1);
    double up = Math.min(to, Math.sqrt(to * to * (from * from - to * to) / (from * from)));
    double down = Math.sqrt(to * to - up * up);
    try (Scope scope = Scope.open()) {
      Tensor next = mix(sample, 1, output, down - from);
      return scope.keep(isStochastic(index) ? mix(next, 1, noise, up) : next);
    }
  }
}
