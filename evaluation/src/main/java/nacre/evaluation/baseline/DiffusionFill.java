package nacre.evaluation.baseline;

import java.awt.image.BufferedImage;
import java.io.IOException;
import nacre.diffusion.StableDiffusion;
import nacre.diffusion.image.RgbImage;
import nacre.evaluation.Rgb;

/**
 * The filling of holes by Stable Diffusion: with a model that was trained to inpaint, or with any
 * other, which puts back what is known after each step. Pictures are filled at the size that the
 * model was trained on. Outside the hole the picture stays as it is.
 *
 * @param model which this closes
 * @param prompt what is seen in holes, such as {@code empty ground}
 * @param steps number of denoising steps
 * @param guidance the guidance scale
 */
public record DiffusionFill(StableDiffusion model, String prompt, int steps, double guidance)
    implements Inpainter {
  private static final int WHITE = 0xFFFFFF;

  @Override
  public String name() {
    return model.isInpainting() ? "inpainting model" : "latents put back";
  }

  @Override
  public float[] fill(float[] picture, boolean[] hole, int size, long seed, Runnable eachStep)
      throws IOException {
    float[] filled = picture.clone();
    BufferedImage mask = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
    boolean any = false;
    for (int i = 0; i < hole.length; i++) {
      mask.setRGB(i % size, i / size, hole[i] ? WHITE : 0);
      any |= hole[i];
    }
    if (!any) {
      return filled;
    }
    BufferedImage drawn =
        model
            .prompt(prompt)
            .init(new RgbImage(Rgb.bytes(picture), size, size).toBufferedImage())
            .mask(mask)
            .size(model.size())
            .seed(seed)
            .steps(steps)
            .guidance(guidance)
            .onStep(
                (_, _) -> {
                  eachStep.run();
                  return true;
                })
            .draw();
    byte[] rgb = RgbImage.of(drawn).resize(size, size).rgb();
    for (int i = 0; i < hole.length; i++) {
      for (int c = 0; hole[i] && c < 3; c++) {
        filled[3 * i + c] = (rgb[3 * i + c] & 0xFF) / 255f;
      }
    }
    return filled;
  }

  @Override
  public void close() {
    model.close();
  }
}
