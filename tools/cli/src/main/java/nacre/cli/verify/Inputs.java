package nacre.cli.verify;

import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.Slice.slice;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Tensor;

/**
 * The inputs of a bundle, in PyTorch's layouts.
 *
 * @param module for messages
 * @param tensors f32, by argument
 * @param dtype the dtype that the module computes in
 */
record Inputs(String module, Map<String, Tensor> tensors, DType dtype) {

  boolean has(String name) {
    return tensors.containsKey(name);
  }

  /** An input in f32: timesteps, and those of modules that always compute in f32. */
  Tensor exact(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(module + ": input." + name + " is missing");
    }
    return tensor;
  }

  /** An input in the module's dtype. */
  Tensor get(String name) {
    return cast(exact(name), dtype);
  }

  /** An image, or another tensor with channels in its second axis. */
  Tensor channelsLast(String name) {
    return TorchLayout.channelsLast(get(name));
  }

  /**
   * The part of an input that belongs to a step of an iterative module: {@code [steps, …] → […]}.
   *
   * @param like has the shape of a part
   */
  Tensor step(String name, int step, Tensor like) {
    Tensor all = exact(name);
    int[] part = like.shape().toArray();
    int[] dims = all.shape().toArray();
    boolean fits =
        dims.length == part.length + 1
            && dims[0] > step
            && Arrays.equals(part, Arrays.copyOfRange(dims, 1, dims.length));
    if (!fits) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: input.%s is %s, a %s for each step is wanted, and step %d has none",
              module,
              name,
              all.describe(),
              like.shape(),
              step + 1));
    }
    return reshape(slice(all, 0, step, 1), part);
  }

  /** An operand of attention. */
  Tensor headsInside(String name) {
    Tensor x = get(name);
    if (x.shape().rank() != 4) {
      throw new IllegalArgumentException(
          module + ": input." + name + " is " + x.describe() + ", [B, heads, T, D] is wanted");
    }
    return TorchLayout.swapHeads(x);
  }
}
