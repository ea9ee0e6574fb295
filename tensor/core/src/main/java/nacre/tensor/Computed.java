package nacre.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import nacre.tensor.spi.Binary;

/** An operation that a tape recorded. */
record Computed(Operation operation, Context context, Tensor[] in, Tensor out)
    implements Tape.Node {
  @Override
  public void backward(Tensor dy, Map<Tensor, Tensor> gradients) {
    try (Scope scope = Scope.open()) {
      if (context.copied()) { // widened when it must be, as are all of a step's parameters
        add(scope, in[0], dy, gradients);
        return;
      }
      Tensor[] dx = operation.backward(context, dy);
      for (int i = 0; i < dx.length; i++) {
        if (dx[i] != null && context.needs(i)) {
          Tape.requireAlike(operation + ": gradient " + i, dx[i], "input", in[i]);
          add(scope, in[i], dx[i], gradients);
        }
      }
    }
  }

  private static void add(Scope scope, Tensor of, Tensor more, Map<Tensor, Tensor> gradients) {
    Tensor sum = gradients.get(of);
    if (sum != null) {
      gradients.put(of, accumulate(scope, of, sum, more));
    } else if (more.dtype() != DType.F32 && gradients.containsKey(of)) {
      gradients.put(of, scope.keep(as(DType.F32, more)));
    } else {
      // A view, since an operation may return dy itself, or one tensor for two inputs.
      gradients.put(of, scope.keep(more.detach()));
    }
  }

  /** In f32 where the leaf is, or where sums over passes are. */
  private static Tensor accumulate(Scope scope, Tensor of, Tensor sum, Tensor more) {
    DType dtype = of.dtype() == DType.F32 ? DType.F32 : sum.dtype();
    Tensor term = as(dtype, more);
    if (sum.dtype() == dtype && sum.unshared()) {
      sum.backend().binary(Binary.ADD, sum, term, sum);
      return sum;
    }
    Tensor fresh = as(dtype, sum);
    if (fresh == sum) {
      fresh = sum.like();
    }
    sum.backend().binary(Binary.ADD, fresh.dtype() == sum.dtype() ? sum : fresh, term, fresh);
    sum.close();
    return scope.keep(fresh);
  }

  /** A gradient in the dtype of its leaf; what it was is closed. */
  static Tensor ofItsType(Tensor leaf, Tensor gradient) {
    if (gradient == null || gradient.dtype() == leaf.dtype() || leaf.dtype() != DType.F32) {
      return gradient;
    }
    Tensor wide = as(DType.F32, gradient);
    gradient.close();
    return wide;
  }

  private static Tensor as(DType dtype, Tensor gradient) {
    if (gradient.dtype() == dtype) {
      return gradient;
    }
    Tensor other = Tensor.empty(gradient.device(), dtype, gradient.shape());
    gradient.backend().cast(gradient, other);
    return other;
  }

  @Override
  public List<Tensor> leaves() {
    List<Tensor> leaves = new ArrayList<>();
    for (int i = 0; i < in.length; i++) {
      if (context.needs(i) && in[i].maker() == null) {
        leaves.add(in[i]);
      }
    }
    return leaves;
  }

  @Override
  public void release() {
    context.release();
  }
}
