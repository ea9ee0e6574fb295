package nacre.nn;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Linear.linear;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Linear layers of one row of numbers as one product, each with the bias of the convolution that
 * its output is added to: {@code [1, in] → [out]} for each layer. What a UNet does with the time
 * embedding of a step that all samples share.
 */
public final class StackedLinear {
  /** A layer, and the convolution to whose every pixel its output is added. */
  public record Pair(Linear layer, Conv2d convolution) {}

  private final Tensor weight; // [Σ out, in]
  private final Tensor bias; // [Σ out]
  private final List<Integer> ends;

  private StackedLinear(Tensor weight, Tensor bias, List<Integer> ends) {
    this.weight = weight;
    this.bias = bias;
    this.ends = ends;
  }

  /**
   * Copies of the layers' weights, in the current scope.
   *
   * @param dtype in which the layers will compute
   * @return null where a layer or convolution is adapted or trained, or has no bias
   */
  public static StackedLinear of(List<Pair> pairs, DType dtype) {
    List<Tensor> weights = new ArrayList<>();
    List<Tensor> biases = new ArrayList<>();
    List<Integer> ends = new ArrayList<>();
    int end = 0;
    try (Scope scope = Scope.open()) {
      for (Pair pair : pairs) {
        Tensor own = pair.layer.constantBias();
        Tensor other = pair.convolution.constantBias();
        if (own == null || other == null) {
          return null;
        }
        weights.add(cast(pair.layer.weight(), dtype));
        biases.add(cast(add(cast(own, DType.F32), cast(other, DType.F32)), dtype));
        end += own.dim(0);
        ends.add(end);
      }
      return new StackedLinear(
          scope.keep(concat(0, weights.toArray(Tensor[]::new))),
          scope.keep(concat(0, biases.toArray(Tensor[]::new))),
          ends);
    }
  }

  /** {@code x [1, in] → [out]} of each layer, in the order of the layers, in the current scope. */
  public List<Tensor> forward(Tensor x) {
    Tensor all = linear(x, weight, bias).view(bias.shape()); // [Σ out]
    List<Tensor> parts = new ArrayList<>();
    int begin = 0;
    for (int end : ends) {
      parts.add(all.rows(begin, end));
      begin = end;
    }
    return parts;
  }
}
