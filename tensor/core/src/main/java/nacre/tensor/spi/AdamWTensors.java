package nacre.tensor.spi;

import java.util.List;
import nacre.tensor.Tensor;

/**
 * The tensors of an AdamW step: lists, parallel to each other. All moments of one step are of one
 * dtype: f32; bf16, to which they are rounded by {@link RoundingNoise}, m by the lower and v by the
 * upper half of an element's bits; or u8, codes of {@link DynamicCode}, m signed and v unsigned.
 *
 * @param parameters updated in place: all f32, or all bf16, to which they are rounded
 * @param compensations bf16, what the rounding of bf16 parameters to nearest left out, to be added
 *     in the next step (Kahan's compensated summation); empty for f32 parameters, and for bf16 ones
 *     that are rounded by {@link RoundingNoise#others further bits} of noise instead
 * @param gradients each f32 or bf16
 * @param m first moments, updated in place
 * @param v second moments, updated in place
 * @param mScales f32, of one element for each {@link DynamicCode#BLOCK} elements of m, by which
 *     what its codes stand for is multiplied; empty unless m is u8
 * @param vScales the same for v
 * @param steps i32, of one element each: how many steps each parameter has taken; counted up
 * @param averages f32, moving averages of the parameters as they are after the step and its
 *     rounding; empty for none
 * @param averageWeight f32 scalar, the weight of the new parameter in its average; null without
 *     averages
 */
public record AdamWTensors(
    List<Tensor> parameters,
    List<Tensor> compensations,
    List<Tensor> gradients,
    List<Tensor> m,
    List<Tensor> v,
    List<Tensor> mScales,
    List<Tensor> vScales,
    List<Tensor> steps,
    List<Tensor> averages,
    Tensor averageWeight) {

  /** Without averages. */
  public AdamWTensors(
      List<Tensor> parameters,
      List<Tensor> compensations,
      List<Tensor> gradients,
      List<Tensor> m,
      List<Tensor> v,
      List<Tensor> mScales,
      List<Tensor> vScales,
      List<Tensor> steps) {
    this(parameters, compensations, gradients, m, v, mScales, vScales, steps, List.of(), null);
  }

  /** With moments that need no scales, and parameters that need no compensation. */
  public AdamWTensors(
      List<Tensor> parameters,
      List<Tensor> gradients,
      List<Tensor> m,
      List<Tensor> v,
      List<Tensor> steps) {
    this(parameters, List.of(), gradients, m, v, List.of(), List.of(), steps);
  }
}
