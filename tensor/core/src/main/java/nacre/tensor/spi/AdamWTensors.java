package nacre.tensor.spi;

import java.util.List;
import nacre.tensor.Tensor;

/**
 * The tensors of an AdamW step: five lists, parallel to each other.
 *
 * @param parameters f32, updated in place
 * @param gradients f32
 * @param m f32 first moments, updated in place
 * @param v f32 second moments, updated in place
 * @param steps i32, of one element each: how many steps each parameter has taken; counted up
 */
public record AdamWTensors(
    List<Tensor> parameters,
    List<Tensor> gradients,
    List<Tensor> m,
    List<Tensor> v,
    List<Tensor> steps) {}
