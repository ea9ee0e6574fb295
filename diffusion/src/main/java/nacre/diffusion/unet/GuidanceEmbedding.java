package nacre.diffusion.unet;

import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Sinusoids.sinusoids;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The embedding of a guidance scale for models that were distilled with it (Meng et al., "On
 * Distillation of Guided Diffusion Models", 2023), as diffusers' {@code
 * get_guidance_scale_embedding}.
 */
public final class GuidanceEmbedding {
  /** The scale 1, at which the condition alone counts, is 0 to the model. */
  private static final float PER_SCALE = 1000;

  private GuidanceEmbedding() {}

  /**
   * The sinusoids of a scale, {@code [count, width]}, in the current scope.
   *
   * @param scale of classifier-free guidance
   * @param count number of equal rows
   */
  public static Tensor of(Device device, DType dtype, double scale, int count, int width) {
    try (Scope scope = Scope.open()) {
      float[] values = new float[count];
      Arrays.fill(values, (float) (scale - 1) * PER_SCALE);
      Tensor scales = Tensor.of(device, Shape.of(count), values);
      return scope.keep(cast(sinusoids(scales, width, false, 1, 10_000), dtype));
    }
  }
}
