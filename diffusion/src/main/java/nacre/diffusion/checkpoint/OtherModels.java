package nacre.diffusion.checkpoint;

import java.util.Optional;

/** Models of Stable Diffusion's shape that draw from other things than a prompt and a mask. */
public final class OtherModels {
  private OtherModels() {}

  /**
   * The model whose UNet takes a number of channels, with its pipeline in diffusers; empty if none
   * is known.
   */
  public static Optional<String> withInput(int channels) {
    return Optional.ofNullable(
        switch (channels) {
          case 5 -> "a depth model, of StableDiffusionDepth2ImgPipeline";
          case 7 -> "an upscaler, of StableDiffusionUpscalePipeline";
          case 8 -> "InstructPix2Pix, of StableDiffusionInstructPix2PixPipeline";
          default -> null;
        });
  }
}
