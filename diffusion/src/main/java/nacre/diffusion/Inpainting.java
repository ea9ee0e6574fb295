package nacre.diffusion;

import static nacre.tensor.ops.Affine.affine;
import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;

import nacre.diffusion.schedule.Scheduler;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The part of a picture that a drawing keeps, in latents, for models that know nothing of masks:
 * after each step it is put back with the noise of the next one, as diffusers' {@code
 * StableDiffusionInpaintPipeline} does.
 *
 * @param mask {@code f32[1, h, w, 1]}, or one for each picture, {@code f32[N, h, w, 1]}: 1 where
 *     the picture is drawn anew and 0 where it is kept
 * @param clean the picture's latents, {@code f32[N, h, w, C]}
 * @param noise the noise that the drawing began with, {@code f32[N, h, w, C]}
 */
public record Inpainting(Tensor mask, Tensor clean, Tensor noise) {

  /** Latents after a step, with the kept part put back: {@code f32[N, h, w, C]}. */
  public Tensor blend(Scheduler scheduler, int index, Tensor latents) {
    try (Scope scope = Scope.open()) {
      Tensor kept =
          index + 1 < scheduler.steps() ? scheduler.addNoise(index + 1, clean, noise) : clean;
      return scope.keep(add(multiply(affine(mask, -1, 1), kept), multiply(mask, latents)));
    }
  }

  /**
   * A picture's mask at the size of its latents: of each square of pixels the one at the top left,
   * {@code f32[1, step · h, step · w, 1] → f32[1, h, w, 1]}.
   *
   * @param step pixels along a side of the square
   */
  static Tensor atLatentSize(Tensor mask, int step) {
    int height = mask.dim(1) / step;
    int width = mask.dim(2) / step;
    float[] pixels = mask.toFloats();
    float[] values = new float[height * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = pixels[step * (i / width) * mask.dim(2) + step * (i % width)];
    }
    return Tensor.of(mask.device(), Shape.of(1, height, width, 1), values);
  }
}
