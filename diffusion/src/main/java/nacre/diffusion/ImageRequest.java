package nacre.diffusion;

import java.util.Locale;
import java.util.Objects;
import nacre.diffusion.text.PromptOptions;
import nacre.tensor.Tensor;

/**
 * A request for images, for {@link StableDiffusion#generate}. {@link Prompt} makes one.
 *
 * @param prompt what the images show
 * @param negative the negative prompt, which may be empty
 * @param width of the images in pixels
 * @param height of the images in pixels
 * @param guidance scale of classifier-free guidance; 1 or less leaves the negative prompt out,
 *     which halves the work
 * @param initial the image to begin from; null to begin from noise alone
 * @param options how the prompts are encoded
 */
public record ImageRequest(
    String prompt,
    String negative,
    int width,
    int height,
    double guidance,
    Initial initial,
    PromptOptions options) {

  /** A request with plain prompts. */
  public ImageRequest(
      String prompt, String negative, int width, int height, double guidance, Initial initial) {
    this(prompt, negative, width, height, guidance, initial, PromptOptions.DEFAULT);
  }

  /** Checks the numbers. */
  public ImageRequest {
    Objects.requireNonNull(options, "options");
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "image request: the image is %d×%d, at least 1×1 is wanted",
              width,
              height));
    }
    if (!(guidance >= 0) || Double.isInfinite(guidance)) {
      throw new IllegalArgumentException(
          "image request: guidance is " + guidance + ", 0 or more is wanted");
    }
  }

  /**
   * An image to begin from.
   *
   * @param pixels f32 {@code [1, height, width, 3]}, from −1 to 1
   * @param strength share of the steps to take: near 0 nearly the image, 1 nearly nothing of it
   * @param mask f32 {@code [1, height, width, 1]}, 1 where the image is drawn anew and 0 where it
   *     is kept; null to draw anew everywhere
   */
  public record Initial(Tensor pixels, double strength, Tensor mask) {

    /** An image that is drawn anew everywhere. */
    public Initial(Tensor pixels, double strength) {
      this(pixels, strength, null);
    }

    /** Whether the drawing begins with noise alone, as diffusers does where a mask guides it. */
    boolean isNoiseAlone() {
      return mask != null && strength == 1;
    }
  }

  /** Whether the UNet runs twice a step, on the prompt and on the negative prompt. */
  boolean isGuided() {
    return guidance > 1;
  }
}
