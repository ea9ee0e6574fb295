package nacre.diffusion.schedule;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Arithmetic.subtract;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Gather.gather;
import static nacre.tensor.ops.Reshape.reshape;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Locale;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * A {@link NoiseSchedule} on a device, for timesteps that are there too, so that a training step
 * needs nothing from the host.
 */
public final class NoiseTable {
  private final NoiseSchedule schedule;
  private final Tensor ofClean;
  private final Tensor ofNoise;

  /** √ᾱ and √(1 − ᾱ) of every timestep, {@code f32[T, 1]} each, in the current scope. */
  NoiseTable(NoiseSchedule schedule, Device device) {
    this.schedule = schedule;
    int count = schedule.timesteps();
    float[] clean = new float[count];
    float[] noise = new float[count];
    for (int t = 0; t < count; t++) {
      clean[t] = (float) Math.sqrt(schedule.alphaCumprod(t));
      noise[t] = (float) Math.sqrt(1f - schedule.alphaCumprod(t));
    }
    this.ofClean = Tensor.of(device, Shape.of(count, 1), clean);
    this.ofNoise = Tensor.of(device, Shape.of(count, 1), noise);
  }

  /**
   * Timesteps as the other methods take them, {@code i32[N]}.
   *
   * @throws IllegalArgumentException if one does not exist
   */
  public Tensor timesteps(int... timesteps) {
    Tensor tensor = Tensor.empty(ofClean.device(), DType.I32, Shape.of(timesteps.length));
    write(timesteps, tensor);
    return tensor;
  }

  /**
   * Writes timesteps over others.
   *
   * @param to i32, of as many elements
   * @throws IllegalArgumentException if one does not exist
   */
  public void write(int[] timesteps, Tensor to) {
    for (int timestep : timesteps) {
      schedule.alphaCumprod(timestep); // refuses unknown timesteps; a GPU would read out of bounds
    }
    to.backend().upload(MemorySegment.ofArray(timesteps), to);
  }

  /**
   * √ᾱ · clean + √(1 − ᾱ) · noise, {@code [N, ..] → [N, ..]}.
   *
   * @param timesteps i32, one for each of the N samples
   * @throws IllegalArgumentException if there are not N
   */
  public Tensor addNoise(Tensor clean, Tensor noise, Tensor timesteps) {
    try (Scope scope = Scope.open()) {
      Tensor kept = multiply(factors("addNoise", ofClean, clean, timesteps), clean);
      return scope.keep(add(kept, multiply(factors("addNoise", ofNoise, noise, timesteps), noise)));
    }
  }

  /**
   * √ᾱ · noise − √(1 − ᾱ) · clean, {@code [N, ..] → [N, ..]} (Salimans and Ho, 2022).
   *
   * @param timesteps i32, one for each of the N samples
   */
  public Tensor velocity(Tensor clean, Tensor noise, Tensor timesteps) {
    try (Scope scope = Scope.open()) {
      Tensor scaled = multiply(factors("velocity", ofClean, noise, timesteps), noise);
      Tensor taken = multiply(factors("velocity", ofNoise, clean, timesteps), clean);
      return scope.keep(subtract(scaled, taken));
    }
  }

  /** The target of the model, {@code [N, ..]}, by the configured {@link PredictionType}. */
  public Tensor target(Tensor clean, Tensor noise, Tensor timesteps) {
    return switch (schedule.config().predictionType()) {
      case EPSILON -> noise;
      case SAMPLE -> clean;
      case V_PREDICTION -> velocity(clean, noise, timesteps);
    };
  }

  /** The factor of each timestep, {@code [N, 1, ..]} for x {@code [N, ..]}, in x's dtype. */
  private static Tensor factors(String operation, Tensor table, Tensor x, Tensor timesteps) {
    int rank = x.shape().rank();
    if (rank == 0 || timesteps.dtype() != DType.I32 || x.dim(0) != timesteps.elements()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: timesteps %s for %s; an i32 for each entry of its first axis is wanted",
              operation,
              timesteps.describe(),
              x.describe()));
    }
    int[] extents = new int[rank];
    Arrays.fill(extents, 1);
    extents[0] = x.dim(0);
    return cast(reshape(gather(table, timesteps), extents), x.dtype());
  }
}
