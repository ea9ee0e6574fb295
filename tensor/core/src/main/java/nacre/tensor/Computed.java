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
      Tensor[] dx = operation.backward(context, dy);
      for (int i = 0; i < dx.length; i++) {
        if (dx[i] == null || !context.needs(i)) {
          continue;
        }
        Tape.requireAlike(operation + ": gradient " + i, dx[i], "input", in[i]);
        Tensor sum = gradients.get(in[i]);
        if (sum == null && dx[i].dtype() != DType.F32 && gradients.containsKey(in[i])) {
          gradients.put(in[i], scope.keep(wide(dx[i], DType.F32)));
        } else if (sum == null) {
          // A view, since an operation may return dy itself, or one tensor for two inputs.
          gradients.put(in[i], scope.keep(dx[i].detach()));
        } else {
          gradients.put(in[i], accumulate(scope, sum, dx[i]));
        }
      }
    }
  }

  private static Tensor accumulate(Scope scope, Tensor sum, Tensor more) {
    if (sum.dtype() != more.dtype()) { // summed over passes in f32
      return accumulate(scope, sum, wide(more, sum.dtype()));
    }
    if (sum.unshared()) {
      sum.backend().binary(Binary.ADD, sum, more, sum);
      return sum;
    }
    Tensor fresh = sum.like();
    sum.backend().binary(Binary.ADD, sum, more, fresh);
    sum.close();
    return scope.keep(fresh);
  }

  private static Tensor wide(Tensor gradient, DType dtype) {
    Tensor wide = Tensor.empty(gradient.device(), dtype, gradient.shape());
    gradient.backend().cast(gradient, wide);
    return wide;
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
