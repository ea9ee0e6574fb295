package nacre.tensor.ops;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;

/**
 * One way of using an operation: its differentiable inputs, and what is done with them. Other
 * inputs (indices, boxes, absent ones) are made by the function.
 */
record Case(
    Class<? extends Operation> operation,
    String name,
    List<Input> inputs,
    Function<Tensor[], Tensor> function) {

  /** The values of every input, the same at each call. */
  List<float[]> values() {
    SplittableRandom random = new SplittableRandom(name.hashCode());
    return inputs.stream().map(input -> input.values(random)).toList();
  }

  /** Weights of the outputs, exact in 16 bits and away from zero. */
  static float[] cotangent(int count) {
    SplittableRandom random = new SplittableRandom(count);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      float v = random.nextInt(8, 25) / 16f;
      values[i] = random.nextBoolean() ? v : -v;
    }
    return values;
  }

  @Override
  public String toString() {
    return operation.getSimpleName() + " " + name;
  }
}
