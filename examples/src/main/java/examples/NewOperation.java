package examples;

import static nacre.tensor.ops.Ops.*;

import nacre.tensor.Context;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Operation;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;

/** A differentiable operation of one's own: x³, whose gradient is 3 x² dy. */
public final class NewOperation {
  /** The operation; what it computes in its methods is not recorded on the tape. */
  record Cube() implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      context.save(in[0]);
      return multiply(multiply(in[0], in[0]), in[0]);
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      Tensor x = context.saved(0);
      return new Tensor[] {scale(multiply(multiply(x, x), dy), 3)};
    }
  }

  static Tensor cube(Tensor x) {
    return Operation.apply(new Cube(), x);
  }

  public static void main(String[] args) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor x = Tensor.of(Device.of("auto"), Shape.of(3), 1, 2, -3).track();
      Gradients gradients = tape.backward(sum(cube(x)));
      System.out.println(gradients.of(x)); // 3, 12, 27
    }
  }
}
