package nacre.diffusion.lora;

import static nacre.tensor.ops.Ops.matmul;
import static nacre.tensor.ops.Ops.reshape;

import java.util.Locale;
import java.util.Optional;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.OneLine;
import nacre.weights.SafeTensors;
import nacre.weights.WeightsException;

/**
 * The low-rank change of one layer's weight, {@code scale · up · down}, as it lies in a file.
 *
 * @param down {@code [r, I]} or {@code [r, I, KH, KW]}
 * @param up {@code [O, r]} or {@code [O, r, 1, 1]}
 * @param mid of a Tucker decomposition, {@code [r, r, KH, KW]}, which {@code down} is 1×1 for; null
 *     for none
 * @param scale alpha / rank
 */
record LowRank(SafeTensors.Entry down, SafeTensors.Entry up, SafeTensors.Entry mid, double scale) {

  int rank() {
    return down.shape().dim(0);
  }

  /** Whether it is of a convolution with a kernel of more than one pixel. */
  boolean isSpatial() {
    Shape shape = (mid == null ? down : mid).shape();
    return shape.rank() == 4 && shape.dim(2) * shape.dim(3) > 1;
  }

  /**
   * The reason why this is no change of a weight; empty if it is one.
   *
   * @param weight its shape on disk, {@code [O, I]} or {@code [O, I, KH, KW]}
   */
  Optional<String> misfit(String name, Shape weight) {
    int[] wanted = weight.toArray();
    int rank = rank();
    if (mid != null) {
      int[] inner = wanted.clone();
      inner[0] = rank;
      inner[1] = rank;
      if (!isOf(mid, inner)) {
        return Optional.of(misfit(mid, inner, name, weight));
      }
    }
    int[] first =
        mid == null ? wanted.clone() : new int[] {rank, wanted[1]}; // 1×1, however it is written
    first[0] = rank;
    if (!isOf(down, first)) {
      return Optional.of(misfit(down, first, name, weight));
    }
    int[] last = {wanted[0], rank};
    return isOf(up, last) ? Optional.empty() : Optional.of(misfit(up, last, name, weight));
  }

  /** Whether a tensor has a shape, not counting kernels of one pixel. */
  private static boolean isOf(SafeTensors.Entry entry, int[] wanted) {
    return withKernel(entry.shape().toArray()).equals(withKernel(wanted));
  }

  private static Shape withKernel(int[] dims) {
    return dims.length == 2 ? Shape.of(dims[0], dims[1], 1, 1) : Shape.of(dims);
  }

  private static String misfit(SafeTensors.Entry entry, int[] wanted, String name, Shape weight) {
    return String.format(
        Locale.ROOT,
        "%s is %s, %s is wanted for %s %s",
        OneLine.clip(entry.name()),
        entry.shape(),
        Shape.of(wanted),
        name,
        weight);
  }

  /**
   * The product {@code up · down} without the scale, in f32, in the current scope.
   *
   * @param weight the shape in memory, {@code [O, I]} or {@code [O, KH, KW, I]}
   */
  Tensor product(Device device, Shape weight) throws WeightsException {
    try (Scope scope = Scope.open()) {
      Tensor first = rows(device, down);
      if (mid != null) {
        Tensor kernel = read(device, mid); // [r, KH, KW, r]
        int[] dims = kernel.shape().toArray();
        Tensor each = matmul(reshape(kernel, dims[0] * dims[1] * dims[2], dims[3]), first);
        first = reshape(each, dims[0], dims[1] * dims[2] * each.dim(1));
      }
      Tensor product = matmul(rows(device, up), first); // [O, KH · KW · I]
      return scope.keep(reshape(product, weight.toArray()));
    }
  }

  /**
   * Requires all factors to be numbers.
   *
   * @throws WeightsException naming the tensor, if one is not
   */
  void requireFinite() throws WeightsException {
    requireFinite(down);
    requireFinite(up);
    if (mid != null) {
      requireFinite(mid);
    }
  }

  private static void requireFinite(SafeTensors.Entry entry) throws WeightsException {
    try (Scope _ = Scope.open()) {
      for (float value : entry.toTensor(Device.host(), DType.F32, Layout.SAME).toFloats()) {
        if (!Float.isFinite(value)) {
          String name = OneLine.clip(entry.name());
          throw new WeightsException(entry.file(), "is damaged: " + name + " holds " + value);
        }
      }
    }
  }

  private static Tensor rows(Device device, SafeTensors.Entry entry) throws WeightsException {
    Tensor read = read(device, entry);
    return reshape(read, read.dim(0), Math.toIntExact(read.elements() / read.dim(0)));
  }

  private static Tensor read(Device device, SafeTensors.Entry entry) throws WeightsException {
    return entry.toTensor(device, DType.F32, Layout.ofParameter(entry.shape()));
  }
}
