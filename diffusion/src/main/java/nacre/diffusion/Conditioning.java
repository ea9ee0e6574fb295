package nacre.diffusion;

import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;

import java.util.Arrays;
import java.util.List;
import nacre.diffusion.schedule.Guidance;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.nn.AttentionContext;
import nacre.tensor.DType;
import nacre.tensor.Tensor;

/**
 * The encodings of the prompts, each {@code [N, T, C]} for N images; the two need not be of the
 * same length.
 *
 * @param positive what the images show
 * @param negative what they do not show; null without guidance
 */
record Conditioning(Tensor positive, Tensor negative) {

  /** Both, or the one that there is. */
  List<Tensor> tensors() {
    return isGuided() ? List.of(positive, negative) : List.of(positive);
  }

  /** From one image to several, in the current scope. */
  Conditioning repeat(int images) {
    return new Conditioning(
        repeat(positive, images), negative == null ? null : repeat(negative, images));
  }

  private static Tensor repeat(Tensor encoded, int images) {
    Tensor[] all = new Tensor[images];
    Arrays.fill(all, encoded);
    return concat(0, all);
  }

  /** With both in one tensor, the negative first, where they are of one length. */
  Conditioning joined() {
    return isGuided() && positive.dim(1) == negative.dim(1)
        ? new Conditioning(concat(0, negative, positive), null)
        : this;
  }

  private boolean isGuided() {
    return negative != null;
  }

  /** Number of rows that the UNet is run on at a time. */
  int rows() {
    return positive.dim(0);
  }

  /** The same for all steps of a sampling, in the current scope, once {@linkplain #joined}. */
  Contexts contexts(UNet2DCondition unet) {
    return new Contexts(unet.constant(positive), negative == null ? null : unet.constant(negative));
  }

  /**
   * What the UNet's layers attend to in all steps.
   *
   * @param positive of the joined conditioning
   * @param negative null where it is joined to the other, and without guidance
   */
  record Contexts(AttentionContext positive, AttentionContext negative) {
    /**
     * The UNet's guided prediction: for inputs {@code [N, h, w, ..]} as many, f32.
     *
     * @param timesteps one for each row of the context, or one for all
     * @param embedded the guidance, for a UNet that takes it, {@code [N, ..]}; null for others
     */
    Tensor predict(
        UNet2DCondition unet, Tensor input, Tensor timesteps, double guidance, Tensor embedded) {
      if (negative != null) {
        // Prompts of different lengths are attended to apart, without padding.
        Tensor away = unet.forward(input, timesteps, negative, null);
        Tensor towards = unet.forward(input, timesteps, positive, null);
        return Guidance.guide(cast(concat(0, away, towards), DType.F32), guidance);
      }
      if (positive.tokens().dim(0) == input.dim(0)) {
        return cast(unet.forward(input, timesteps, positive, embedded), DType.F32);
      }
      Tensor twice = concat(0, input, input);
      return Guidance.guide(
          cast(unet.forward(twice, timesteps, positive, null), DType.F32), guidance);
    }
  }
}
